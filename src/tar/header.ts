/**
 * The 512-byte header block of ustar, GNU tar and v7 archives (POSIX.1-2024, pax "ustar Interchange
 * Format"; GNU tar manual, "Basic Tar Format").
 *
 * A header that existing readers interpret differently is an error here: if two programs see different
 * entries in one layer, files can be hidden from scanners (CVE-2025-62518). Every function throws a
 * `RangeError` with the reason; the parser adds the entry.
 * @module
 */

/** Length of a block in bytes. */
export const TAR_BLOCK = 512;

/** Number of bytes that content of the given size occupies in a tar. */
export function paddedSize(size: number): number {
  return Math.ceil(size / TAR_BLOCK) * TAR_BLOCK;
}

/** The fields of a header block, as they are. */
export interface RawHeader {
  /** Name with the ustar prefix. */
  readonly name: Uint8Array;
  /** Permission bits, 12. */
  readonly mode: number;
  /** User id. */
  readonly uid: number;
  /** Group id. */
  readonly gid: number;
  /** Size field. */
  readonly size: number;
  /** Seconds since 1970. */
  readonly mtime: number;
  /** Type flag as a character; `0` for NUL. */
  readonly type: string;
  /** Whether the type flag was NUL, of archives older than POSIX. */
  readonly isOldRegular: boolean;
  /** Link name. */
  readonly linkName: Uint8Array;
}

/** Whether a block has nothing but zeros. */
export function isZeroBlock(block: Uint8Array): boolean {
  for (let i = 0; i < TAR_BLOCK; i++) if (block[i] !== 0) return false;
  return true;
}

/** Parses a header block. @throws {RangeError} with the reason if it is not one. */
export function parseHeader(block: Uint8Array): RawHeader {
  checkSum(block);
  const flag = block[156]!;
  return {
    name: fullName(block),
    mode: number(block, 100, 8, "mode") & 0o7777,
    uid: identity(number(block, 108, 8, "uid"), "uid"),
    gid: identity(number(block, 116, 8, "gid"), "gid"),
    size: unsigned(number(block, 124, 12, "size"), "size"),
    mtime: number(block, 136, 12, "mtime"),
    type: flag === 0 ? "0" : String.fromCharCode(flag),
    isOldRegular: flag === 0,
    linkName: field(block, 157, 100),
  };
}

function checkSum(block: Uint8Array): void {
  const stated = number(block, 148, 8, "checksum");
  let unsignedSum = 8 * 0x20;
  let signedSum = unsignedSum;
  for (let i = 0; i < TAR_BLOCK; i++) {
    if (i >= 148 && i < 156) continue;
    const byte = block[i]!;
    unsignedSum += byte;
    signedSum += byte < 128 ? byte : byte - 256;
  }
  if (stated !== unsignedSum && stated !== signedSum) {
    throw new RangeError("the checksum of its header is wrong");
  }
}

/** The bytes of a field up to the first NUL, copied. */
function field(block: Uint8Array, start: number, length: number): Uint8Array {
  let end = start;
  while (end < start + length && block[end] !== 0) end++;
  return block.slice(start, end);
}

function fullName(block: Uint8Array): Uint8Array {
  const name = field(block, 0, 100);
  const isUstar = matches(block, 257, "ustar\0");
  const isGnu = matches(block, 257, "ustar ");
  if (block[345] === 0 || isGnu) return name; // GNU tar keeps times there
  if (!isUstar) throw new RangeError("its header has a name prefix but is not ustar");
  const prefix = field(block, 345, 155);
  const full = new Uint8Array(prefix.length + 1 + name.length);
  full.set(prefix);
  full[prefix.length] = 0x2f;
  full.set(name, prefix.length + 1);
  return full;
}

function matches(block: Uint8Array, start: number, text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    if (block[start + i] !== text.charCodeAt(i)) return false;
  }
  return true;
}

/** A numeric field: octal digits between blanks, or base-256 when the first bit is set. */
function number(block: Uint8Array, start: number, length: number, what: string): number {
  const first = block[start]!;
  if (first === 0x80 || first === 0xff) return base256(block, start, length, what);
  let at = start;
  const end = start + length;
  while (at < end && block[at] === 0x20) at++;
  let value = 0;
  for (; at < end; at++) {
    const byte = block[at]!;
    if (byte < 0x30 || byte > 0x37) break;
    value = value * 8 + byte - 0x30;
  }
  for (; at < end; at++) {
    const byte = block[at]!;
    if (byte === 0) break;
    if (byte !== 0x20) throw new RangeError(`the ${what} of its header is not a number`);
  }
  return value;
}

function base256(block: Uint8Array, start: number, length: number, what: string): number {
  const negative = block[start] === 0xff;
  let value = negative ? -1 : 0;
  for (let i = start + 1; i < start + length; i++) {
    value = value * 256 + block[i]!;
    if (!Number.isSafeInteger(value)) {
      throw new RangeError(`the ${what} of its header is out of range`);
    }
  }
  return value;
}

/** Checks a size. @throws {RangeError} if it is negative or not exact. */
export function unsigned(value: number, what: string): number {
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new RangeError(`its ${what} is out of range`);
  }
  return value;
}

/** Checks a user or group id. @throws {RangeError} if it does not fit 32 bits. */
export function identity(value: number, what: string): number {
  if (unsigned(value, what) > 0xffffffff) throw new RangeError(`its ${what} is out of range`);
  return value;
}

/** Linux's NAME_MAX and PATH_MAX, in bytes. */
const MAX_NAME = 255;
const MAX_PATH = 4096;

const encoder = new TextEncoder();

/** Length of a text in UTF-8 bytes. */
function byteLength(text: string): number {
  return encoder.encode(text).length;
}

/**
 * The path of an entry relative to the root of the image: without leading and trailing slashes, without
 * `.` components; empty for the root itself.
 *
 * @throws {RangeError} saying why: an empty name, `..`, a NUL, a Windows drive, a name of over 255 or a
 * path of over 4096 bytes.
 */
export function normalizeTarPath(name: string): string {
  if (name === "") throw new RangeError("its name is empty");
  if (name.includes("\0")) throw new RangeError("its name contains a NUL");
  if (/^[A-Za-z]:\\/.test(name)) throw new RangeError("its name is a Windows path");
  if (name.length * 3 > MAX_PATH && byteLength(name) > MAX_PATH) {
    throw new RangeError(`its path is longer than ${MAX_PATH} bytes`);
  }
  const parts: string[] = [];
  for (const part of name.split("/")) {
    if (part === "" || part === ".") continue;
    if (part === "..") throw new RangeError('its path contains ".."');
    if (part.length * 3 > MAX_NAME && byteLength(part) > MAX_NAME) {
      throw new RangeError(`a part of its path is longer than ${MAX_NAME} bytes`);
    }
    parts.push(part);
  }
  return parts.join("/");
}

/** Checks the target of a symbolic link, which may be any path. @throws {RangeError} saying why. */
export function checkLinkTarget(target: string): string {
  if (target === "") throw new RangeError("its link target is empty");
  if (target.includes("\0")) throw new RangeError("its link target contains a NUL");
  if (target.length * 3 > MAX_PATH && byteLength(target) > MAX_PATH - 1) {
    throw new RangeError(`its link target is longer than ${MAX_PATH - 1} bytes`);
  }
  return target;
}
