/**
 * Listing a tar file for random access: where the bytes of each entry are. Reads headers only. Nothing
 * is unpacked, so no name can lead anywhere; the bytes of a blob are checked when they are read.
 * @module
 */
import { MiseOciError } from "../errors.ts";

const BLOCK = 512;
/** Entries of one archive: an image has some hundred, an attack has millions. */
const MAX_ENTRIES = 100_000;
/** Length of a PAX header or GNU long name. */
const MAX_EXTENSION = 1024 * 1024;

/** Where the content of an entry is. */
export interface TarEntry {
  /** Name as it is written, long names put together. */
  readonly name: string;
  /** Type flag; `0` for regular files of every age. */
  readonly type: string;
  /** Offset of the first byte of content. */
  readonly offset: number;
  /** Length of the content. */
  readonly size: number;
  /** What a symbolic link leads to, as it is written. */
  readonly link?: string;
}

function ascii(block: Uint8Array, start: number, length: number): string {
  const field = block.subarray(start, start + length);
  const end = field.indexOf(0);
  return new TextDecoder().decode(end < 0 ? field : field.subarray(0, end));
}

/** A number field: octal digits, or base-256 as GNU writes what octal cannot hold. NaN if it is neither. */
function numeric(block: Uint8Array, start: number, length: number): number {
  const first = block[start] ?? 0;
  if ((first & 0x80) === 0) {
    const digits = ascii(block, start, length).trim();
    return digits === "" ? 0 : /^[0-7]+$/.test(digits) ? parseInt(digits, 8) : NaN;
  }
  if (first !== 0x80) return NaN;
  return block.subarray(start + 1, start + length).reduce((sum, byte) => sum * 256 + byte, 0);
}

function checksumMatches(block: Uint8Array): boolean {
  const sum = block.reduce((total, byte, i) => total + (i >= 148 && i < 156 ? 0x20 : byte), 0);
  return numeric(block, 148, 8) === sum;
}

/** The records of a PAX header. @throws a text that says what is malformed. */
export function parsePaxRecords(bytes: Uint8Array): ReadonlyMap<string, string> {
  const records = new Map<string, string>();
  for (let at = 0; at < bytes.length;) {
    const space = bytes.indexOf(0x20, at);
    const digits = space < 0 ? "" : ascii(bytes, at, space - at);
    const length = /^[1-9]\d{0,8}$/.test(digits) ? Number(digits) : 0;
    const end = at + length;
    if (length <= digits.length + 1 || end > bytes.length || bytes[end - 1] !== 0x0a) {
      throw new SyntaxError("malformed PAX record");
    }
    const record = new TextDecoder().decode(bytes.subarray(space + 1, end - 1));
    const equals = record.indexOf("=");
    if (equals < 1) throw new SyntaxError("malformed PAX record");
    records.set(record.slice(0, equals), record.slice(equals + 1));
    at = end;
  }
  return records;
}

/** What the headers before an entry say about it. */
interface Overrides {
  name?: string;
  size?: number;
  link?: string;
}

function applyPax(bytes: Uint8Array, overrides: Overrides): void {
  const records = parsePaxRecords(bytes);
  const [path, size] = [records.get("path"), records.get("size")];
  if (path !== undefined) overrides.name = path;
  const link = records.get("linkpath");
  if (link !== undefined) overrides.link = link;
  if (size === undefined) return;
  if (!/^\d{1,16}$/.test(size)) throw new SyntaxError("malformed PAX size");
  overrides.size = Number(size);
}

function headerName(block: Uint8Array): string {
  const name = ascii(block, 0, 100);
  const prefix = ascii(block, 257, 6) === "ustar" ? ascii(block, 345, 155) : "";
  return prefix === "" ? name : `${prefix}/${name}`;
}

/** Fills the buffer from the file. @throws a text if the file ends first. */
function readFully(file: Deno.FsFile, buffer: Uint8Array, what: string): Uint8Array {
  for (let at = 0; at < buffer.length;) {
    const read = file.readSync(buffer.subarray(at));
    if (read === null) throw new SyntaxError(`it ends within ${what}`);
    at += read;
  }
  return buffer;
}

/** The entries of an open tar file, in order. */
function* entriesOf(file: Deno.FsFile, fileSize: number): Generator<TarEntry> {
  const block = new Uint8Array(BLOCK);
  let overrides: Overrides = {};
  let count = 0;
  for (let at = 0; at < fileSize;) {
    if (++count > MAX_ENTRIES) throw new SyntaxError(`it has more than ${MAX_ENTRIES} entries`);
    file.seekSync(at, Deno.SeekMode.Start);
    readFully(file, block, "a header");
    if (block.every((byte) => byte === 0)) return;
    const entry = `entry ${count}`;
    if (!checksumMatches(block)) throw new SyntaxError(`the checksum of ${entry} is wrong`);
    const type = ascii(block, 156, 1) || "0";
    const extension = "xgLK".includes(type);
    const size = extension ? numeric(block, 124, 12) : overrides.size ?? numeric(block, 124, 12);
    const offset = at + BLOCK;
    if (!Number.isSafeInteger(size)) throw new SyntaxError(`the size of ${entry} is no number`);
    if (offset + size > fileSize) throw new SyntaxError(`it ends within ${entry}`);
    at = offset + Math.ceil(size / BLOCK) * BLOCK;
    if (!extension) {
      const name = overrides.name ?? headerName(block);
      const link = type === "2" ? { link: overrides.link ?? ascii(block, 157, 100) } : {};
      overrides = {};
      yield { name, type: type === "7" ? "0" : type, offset, size, ...link };
      continue;
    }
    if (size > MAX_EXTENSION) throw new SyntaxError(`${entry} is a header of ${size} bytes`);
    const content = readFully(file, new Uint8Array(size), entry);
    if (type === "x") applyPax(content, overrides);
    if (type === "K") overrides.link = ascii(content, 0, content.length);
    if (type === "L") overrides.name = ascii(content, 0, content.length);
    // A global header that renames or resizes everything is read differently by every program.
    if (type === "g" && ["path", "size"].some((key) => parsePaxRecords(content).has(key))) {
      throw new SyntaxError(`${entry} is a global header with a path or size`);
    }
  }
}

/**
 * Lists the entries of a tar file.
 * @throws {MiseOciError} `invalid` saying what is malformed: a header, a size that leads out of the file.
 */
export function listTar(file: Deno.FsFile, fileSize: number, what: string): TarEntry[] {
  try {
    return [...entriesOf(file, fileSize)];
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new MiseOciError("invalid", `Cannot read ${what} as a tar archive: ${error.message}`, {
      cause: error,
    });
  }
}
