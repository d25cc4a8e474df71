/**
 * A headless browser and the pixels of what it shows.
 * @module
 */
import { Buffer } from "node:buffer";
import { inflateSync } from "node:zlib";
import { join } from "@std/path";
import { makeTempDir, run, which } from "./testbed/command.ts";

const NAMES = ["chromium", "chromium-browser", "google-chrome"];

/** Absolute path of a browser, or `undefined`. */
export function maybeBrowser(): string | undefined {
  return NAMES.map(which).find((path) => path !== undefined);
}

/** A picture: rows of pixels from the top left. */
export interface Picture {
  /** Width in pixels. */
  readonly width: number;
  /** Height in pixels. */
  readonly height: number;
  /** Red, green and blue of each pixel. */
  readonly pixels: Uint8Array;
}

/** Undoes the filter of one row of a PNG (PNG specification, section 9). */
function unfilter(type: number, row: Uint8Array, above: Uint8Array, step: number): void {
  for (let i = 0; i < row.length; i++) {
    const left = i < step ? 0 : row[i - step] ?? 0;
    const up = above[i] ?? 0;
    const corner = i < step ? 0 : above[i - step] ?? 0;
    const estimate = left + up - corner;
    const [a, b, c] = [left, up, corner].map((value) => Math.abs(estimate - value));
    const nearest = (a ?? 0) <= (b ?? 0) && (a ?? 0) <= (c ?? 0)
      ? left
      : (b ?? 0) <= (c ?? 0)
      ? up
      : corner;
    const guess = [0, left, up, (left + up) >> 1, nearest][type] ?? 0;
    row[i] = ((row[i] ?? 0) + guess) & 0xff;
  }
}

/** Decodes a PNG of 8-bit colour, as browsers write it. */
export function decodePng(bytes: Uint8Array): Picture {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [width, height] = [view.getUint32(16), view.getUint32(20)];
  const channels = ({ 2: 3, 6: 4 } as Record<number, number>)[view.getUint8(25)];
  if (view.getUint8(24) !== 8 || channels === undefined) throw new Error("not 8-bit colour");
  const parts: Uint8Array[] = [];
  for (let at = 8; at < bytes.length;) {
    const length = view.getUint32(at);
    const type = new TextDecoder().decode(bytes.subarray(at + 4, at + 8));
    if (type === "IDAT") parts.push(bytes.subarray(at + 8, at + 8 + length));
    at += length + 12;
  }
  const data = new Uint8Array(inflateSync(Buffer.concat(parts)));
  const stride = width * channels;
  const pixels = new Uint8Array(width * height * 3);
  let above = new Uint8Array(stride);
  for (let y = 0; y < height; y++) {
    const start = y * (stride + 1);
    const row = data.subarray(start + 1, start + 1 + stride);
    unfilter(data[start] ?? 0, row, above, channels);
    for (let x = 0; x < width; x++) {
      pixels.set(row.subarray(x * channels, x * channels + 3), (y * width + x) * 3);
    }
    above = row;
  }
  return { width, height, pixels };
}

/** What a browser shows of a page, which cannot reach any network. */
export async function screenshot(
  browser: string,
  page: string,
  size: { readonly width: number; readonly height: number },
): Promise<Picture> {
  await using temp = await makeTempDir();
  const file = join(temp.path, "page.png");
  await run([
    browser,
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--hide-scrollbars",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    `--user-data-dir=${join(temp.path, "profile")}`,
    `--window-size=${size.width},${size.height}`,
    `--screenshot=${file}`,
    `file://${page}`,
  ], { signal: AbortSignal.timeout(60_000) });
  return decodePng(await Deno.readFile(file));
}

/** How many pixels have each hue, in twelfths of the circle; greys count for none. */
export function hueHistogram({ pixels }: Picture): readonly number[] {
  const counts = Array<number>(12).fill(0);
  for (let i = 0; i < pixels.length; i += 3) {
    const [r = 0, g = 0, b = 0] = pixels.subarray(i, i + 3);
    const [most, least] = [Math.max(r, g, b), Math.min(r, g, b)];
    const range = most - least;
    if (range < 24) continue;
    const sixth = most === r
      ? ((g - b) / range + 6) % 6
      : most === g
      ? (b - r) / range + 2
      : (r - g) / range + 4;
    const at = Math.floor(sixth * 2) % 12;
    counts[at] = (counts[at] ?? 0) + 1;
  }
  return counts;
}
