/**
 * Reads image layouts in tests with nothing of the program's own code: an independent look at what it
 * writes.
 * @module
 */
import { createHash } from "node:crypto";
import { join } from "@std/path";
import { assertEquals } from "@std/assert";

/** A descriptor as it stands in JSON. */
export interface RawDescriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly platform?: { readonly os: string; readonly architecture: string };
}

/** An image of a layout as it stands in JSON. */
export interface RawImage {
  /** The entry of `index.json`. */
  readonly entry: RawDescriptor;
  /** The image manifest. */
  readonly manifest: {
    readonly config: RawDescriptor;
    readonly layers: readonly RawDescriptor[];
    readonly annotations?: Readonly<Record<string, string>>;
  };
  /** The image config. */
  readonly config: {
    readonly created: string;
    readonly config: Readonly<Record<string, unknown>> & {
      readonly Env: readonly string[];
      readonly Labels: Readonly<Record<string, string>>;
    };
    readonly rootfs: { readonly diff_ids: readonly string[] };
    readonly history: readonly { readonly created_by?: string; readonly empty_layer?: boolean }[];
  } & Readonly<Record<string, unknown>>;
}

/** Path of a blob. */
export function rawBlobPath(layout: string, digest: string): string {
  return join(layout, "blobs", "sha256", digest.replace(/^sha256:/, ""));
}

async function readJson<T>(path: string): Promise<T> {
  return JSON.parse(await Deno.readTextFile(path));
}

/** Reads the image of a layout that has the tag (or the only one). */
export async function readImage(layout: string, tag?: string): Promise<RawImage> {
  const index = await readJson<{ manifests: RawDescriptor[] }>(join(layout, "index.json"));
  const entries = index.manifests.filter(({ annotations }) =>
    tag === undefined || annotations?.["org.opencontainers.image.ref.name"] === tag
  );
  const [entry, ...others] = entries;
  if (entry === undefined || others.length > 0) {
    throw new Error(`${entries.length} images in ${layout}, one expected`);
  }
  const manifest = await readJson<RawImage["manifest"]>(rawBlobPath(layout, entry.digest));
  const config = await readJson<RawImage["config"]>(rawBlobPath(layout, manifest.config.digest));
  return { entry, manifest, config };
}

async function hashFile(path: string): Promise<{ digest: string; size: number }> {
  const hash = createHash("sha256");
  let size = 0;
  using file = await Deno.open(path);
  for await (const chunk of file.readable) {
    hash.update(chunk);
    size += chunk.length;
  }
  return { digest: `sha256:${hash.digest("hex")}`, size };
}

/**
 * The invariants of a layout (faults, oracle O4): every file in `blobs/sha256` has the digest that it is
 * named by, everything reachable is there with its size, and there are as many diff IDs as layers.
 */
export async function checkLayout(layout: string): Promise<void> {
  for await (const { name } of Deno.readDir(join(layout, "blobs", "sha256"))) {
    if (name.startsWith(".")) throw new Error(`temporary file "${name}" is left in ${layout}`);
    const { digest } = await hashFile(rawBlobPath(layout, name));
    assertEquals(digest, `sha256:${name}`, `blob ${name} of ${layout}`);
  }
  const index = await readJson<{ manifests: RawDescriptor[] }>(join(layout, "index.json"));
  for (const entry of index.manifests) {
    const image = await readImage(layout, entry.annotations?.["org.opencontainers.image.ref.name"]);
    for (const { digest, size } of [entry, image.manifest.config, ...image.manifest.layers]) {
      assertEquals((await Deno.stat(rawBlobPath(layout, digest))).size, size, digest);
    }
    assertEquals(image.config.rootfs.diff_ids.length, image.manifest.layers.length);
  }
}
