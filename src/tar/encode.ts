/**
 * Tar headers: POSIX ustar where values fit, PAX records where they do not (spec.md, section 6). Pure, and
 * frozen: the bytes are part of the interface, see `tests/golden/layer`.
 *
 * - time {@linkcode LAYER_TIME}, no user and group names, device numbers 0;
 * - PAX records (sorted by key) for paths that do not split into 155 + 100 bytes, link targets over 100
 *   bytes, sizes of 8 GiB and more, ids over 2097151, and text that is not ASCII;
 * - a value that is in a PAX record is not in the ustar field as well, except the path's printable
 *   beginning.
 * @module
 */
import { MiseOciError } from "../errors.ts";
import { paddedSize, TAR_BLOCK } from "./header.ts";
import { encodePax } from "./pax.ts";

/**
 * Time of every entry, in seconds since 1970: 1980-01-01, the earliest that zip can hold. With 0, Python's
 * `zipfile` and programs that write wheels and jars refuse the files in a container.
 */
export const LAYER_TIME = 315532800;

/** Types of entries that a layer can have. */
export type TarType = "file" | "directory" | "symlink" | "hardlink";

/** One tar header. */
export interface TarHeader {
  /** Path without leading slash; directories without trailing slash. */
  readonly path: string;
  /** What it is. */
  readonly type: TarType;
  /** Permission bits, including setuid, setgid and sticky. */
  readonly mode: number;
  /** User id, 0 to 2^32-1. */
  readonly uid: number;
  /** Group id, 0 to 2^32-1. */
  readonly gid: number;
  /** Content length in bytes; 0 unless a file. */
  readonly size: number;
  /** Target of a link; `""` otherwise. */
  readonly target: string;
}

const TYPE_FLAG: Readonly<Record<TarType, number>> = {
  file: 0x30,
  hardlink: 0x31,
  symlink: 0x32,
  directory: 0x35,
};
const PAX_FLAG = 0x78;
const PAX_NAME = "PaxHeaders/entry";
const MAX_SIZE = 0o77777777777;
const MAX_ID = 0o7777777;
const MAX_U32 = 0xffffffff;
const encoder = new TextEncoder();
const NOTHING = new Uint8Array(0);

/**
 * Encodes a header, with its PAX header before it if it needs one. The length is a multiple of 512.
 *
 * @param scratch 512 bytes for a header without PAX; reused by callers that encode many.
 * @throws {MiseOciError} `invalid` for an owner that is not a 32-bit number or text with a NUL.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { encodeTarHeader } from "./encode.ts";
 *
 * const header = { path: "a", type: "file", mode: 0o644, uid: 0, gid: 0, size: 1, target: "" } as const;
 * assertEquals(encodeTarHeader(header).length, 512);
 * ```
 */
export function encodeTarHeader(
  header: TarHeader,
  scratch?: Uint8Array<ArrayBuffer>,
): Uint8Array<ArrayBuffer> {
  checkHeader(header);
  const { name, split, records } = layOut(header);
  const paxSize = records.length === 0 ? 0 : TAR_BLOCK + paddedSize(records.length);
  const bytes = paxSize === 0 && scratch !== undefined
    ? scratch
    : new Uint8Array(paxSize + TAR_BLOCK);
  if (paxSize > 0) {
    const fields = { mode: 0o644, uid: 0, gid: 0, size: records.length, target: "" };
    writeUstar(bytes.subarray(0, TAR_BLOCK), fields, { prefix: "", name: PAX_NAME }, PAX_FLAG);
    bytes.set(records, TAR_BLOCK);
  }
  const block = paxSize === 0 ? bytes : bytes.subarray(paxSize);
  writeUstar(block, header, split ?? shortened(name), TYPE_FLAG[header.type]);
  return bytes;
}

/** The content of ustar's fields for a name that does not fit into them. */
function shortened(name: string): { readonly prefix: string; readonly name: string } {
  return { prefix: "", name: name.replace(/[^\x20-\x7e]/gu, "_").slice(0, 100) };
}

/** Length of the result of {@linkcode encodeTarHeader}, computed with much less work. */
export function tarHeaderSize(header: TarHeader): number {
  const { length } = layOut(header).records;
  return length === 0 ? TAR_BLOCK : 2 * TAR_BLOCK + paddedSize(length);
}

/**
 * The encoding of an entry: its name as written, the parts of the name if they fit into ustar's fields, PAX
 * records.
 */
function layOut(header: TarHeader): {
  readonly name: string;
  readonly split: { readonly prefix: string; readonly name: string } | undefined;
  readonly records: Uint8Array;
} {
  const name = header.type === "directory" ? `${header.path}/` : header.path;
  const split = isAscii(name) ? splitName(name) : undefined;
  const pax: [string, string][] = [];
  if (header.gid > MAX_ID) pax.push(["gid", String(header.gid)]);
  if (header.target.length > 100 || !isAscii(header.target)) pax.push(["linkpath", header.target]);
  if (split === undefined) pax.push(["path", name]);
  if (header.size > MAX_SIZE) pax.push(["size", String(header.size)]);
  if (header.uid > MAX_ID) pax.push(["uid", String(header.uid)]);
  if (pax.length === 0) return { name, split, records: NOTHING };
  return { name, split, records: encodePax(pax) };
}

/** The zeros that fill content up to a whole block. */
export function tarPadding(size: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(paddedSize(size) - size);
}

/** The two blocks of zeros that end an archive. */
export const TAR_END: Uint8Array<ArrayBuffer> = new Uint8Array(2 * TAR_BLOCK);

function checkHeader(header: TarHeader): void {
  for (const id of [header.uid, header.gid]) {
    if (!Number.isInteger(id) || id < 0 || id > MAX_U32) {
      throw new MiseOciError(
        "invalid",
        `Cannot write "${header.path}" with owner ${header.uid}:${header.gid}: ` +
          "numbers from 0 to 4294967295 expected",
      );
    }
  }
  if (header.path.includes("\0") || header.target.includes("\0")) {
    throw new MiseOciError("invalid", `Cannot write "${header.path}": NUL in a path`);
  }
}

function isAscii(text: string): boolean {
  // deno-lint-ignore no-control-regex
  return /^[\x00-\x7f]*$/.test(text);
}

/** Splits an ASCII name for the ustar fields `prefix` (155) and `name` (100); undefined if it cannot. */
function splitName(name: string): { prefix: string; name: string } | undefined {
  if (name.length <= 100) return { prefix: "", name };
  if (name.length > 256) return undefined;
  const slash = name.indexOf("/", name.length - 101);
  if (slash <= 0 || slash > 155 || slash === name.length - 1) return undefined;
  return { prefix: name.slice(0, slash), name: name.slice(slash + 1) };
}

/**
 * The common part of every header: the time, device numbers 0, no names, the checksum field as it is summed.
 */
const TEMPLATE = makeTemplate();
const TEMPLATE_SUM = TEMPLATE.reduce((sum, byte) => sum + byte, 0);

function makeTemplate(): Uint8Array {
  const block = new Uint8Array(TAR_BLOCK);
  for (const [at, digits] of [[100, 7], [108, 7], [116, 7], [124, 11], [136, 11]] as const) {
    block.fill(0x30, at, at + digits);
  }
  writeOctal(block, LAYER_TIME, 147);
  block.fill(0x20, 148, 156);
  block.set(encoder.encode("ustar\x0000"), 257);
  block.fill(0x30, 329, 336);
  block.fill(0x30, 337, 344);
  return block;
}

/** Writes ASCII. @returns the sum of its bytes; an encoder would take longer for so little. */
function writeText(block: Uint8Array, text: string, at: number): number {
  let sum = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    block[at + i] = code;
    sum += code;
  }
  return sum;
}

/** Writes a number over a field of zero digits. @returns the increase of the sum of the field's bytes. */
function writeOctal(block: Uint8Array, value: number, end: number): number {
  let sum = 0;
  for (let rest = value, at = end - 1; rest > 0; at--) {
    // Sizes can exceed 32 bits, the limit of bit operations.
    const digit = rest % 8;
    block[at] = 0x30 + digit;
    sum += digit;
    rest = (rest - digit) / 8;
  }
  return sum;
}

function writeUstar(
  block: Uint8Array,
  fields: Pick<TarHeader, "mode" | "uid" | "gid" | "size" | "target">,
  path: { readonly prefix: string; readonly name: string },
  flag: number,
): void {
  const { mode, uid, gid, size, target } = fields;
  block.set(TEMPLATE);
  block[156] = flag;
  let sum = TEMPLATE_SUM + flag;
  sum += writeText(block, path.name, 0) + writeText(block, path.prefix, 345);
  sum += writeOctal(block, mode & 0o7777, 107);
  if (uid <= MAX_ID) sum += writeOctal(block, uid, 115);
  if (gid <= MAX_ID) sum += writeOctal(block, gid, 123);
  if (size <= MAX_SIZE) sum += writeOctal(block, size, 135);
  if (target !== "" && target.length <= 100 && isAscii(target)) {
    sum += writeText(block, target, 157);
  }
  block.fill(0x30, 148, 154);
  writeOctal(block, sum, 154);
  block[154] = 0;
}
