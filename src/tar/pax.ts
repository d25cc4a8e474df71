/**
 * PAX extended headers (POSIX.1-2024, pax "Extended Header").
 * @module
 */
import { identity, unsigned } from "./header.ts";

const encoder = new TextEncoder();
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The values of a PAX header for the following entry. */
export interface PaxRecords {
  /** All records, the last of each key. */
  readonly records: ReadonlyMap<string, string>;
  /** Number of extended attributes. */
  readonly xattrs: number;
}

const XATTR = /^(?:SCHILY\.xattr\.|LIBARCHIVE\.xattr\.|SCHILY\.acl\.|RHT\.security\.)/;
/**
 * Keys for which POSIX defines an empty value as "use the header's value", while GNU tar uses the empty
 * value.
 */
const DECISIVE = ["path", "linkpath", "size", "uid", "gid"];

/** Decodes UTF-8. @throws {RangeError} if it is not UTF-8. */
export function decodeUtf8(bytes: Uint8Array, what: string): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw new RangeError(`its ${what} is not UTF-8: ${escapeBytes(bytes)}`);
  }
}

function escapeBytes(bytes: Uint8Array): string {
  return Array.from(
    bytes.subarray(0, 80),
    (byte) =>
      byte >= 0x20 && byte < 0x7f
        ? String.fromCharCode(byte)
        : `\\x${byte.toString(16).padStart(2, "0")}`,
  ).join("");
}

/**
 * Parses the body of an extended header: records of `LENGTH KEY=VALUE\n`, the length counting the whole
 * record. Values of extended attributes are binary and not kept.
 *
 * @throws {RangeError} if a record is malformed: skipping it, as some readers do, loses a size or name.
 */
export function parsePax(body: Uint8Array): PaxRecords {
  const records = new Map<string, string>();
  let xattrs = 0;
  for (let at = 0; at < body.length;) {
    const space = body.indexOf(0x20, at);
    const digits = space < 0
      ? ""
      : String.fromCharCode(...body.subarray(at, Math.min(space, at + 12)));
    const end = at + Number(digits);
    const equals = body.indexOf(0x3d, space + 1);
    if (
      !/^[1-9][0-9]{0,9}$/.test(digits) || end > body.length || body[end - 1] !== 0x0a ||
      equals < 0 || equals >= end || equals === space + 1
    ) {
      throw new RangeError("its PAX header is malformed");
    }
    const key = decodeUtf8(body.subarray(space + 1, equals), "PAX key");
    if (XATTR.test(key)) xattrs++;
    else records.set(key, decodeUtf8(body.subarray(equals + 1, end - 1), `PAX ${key}`));
    at = end;
  }
  const deleted = DECISIVE.find((key) => records.get(key) === "");
  if (deleted !== undefined) throw new RangeError(`its PAX header has an empty ${deleted}`);
  if ([...records.keys()].some((key) => key.startsWith("GNU.sparse."))) {
    throw new RangeError("it is a sparse file, which layers cannot have");
  }
  return { records, xattrs };
}

/** The number of a PAX record; `undefined` if there is none. */
export function paxNumber(
  records: ReadonlyMap<string, string>,
  key: "size" | "uid" | "gid",
): number | undefined {
  const text = records.get(key);
  if (text === undefined) return undefined;
  if (!/^[0-9]+$/.test(text)) throw new RangeError(`its PAX ${key} is not a number`);
  return key === "size" ? unsigned(Number(text), "PAX size") : identity(Number(text), `PAX ${key}`);
}

/** The whole seconds of a PAX time; `undefined` if there is none or it is empty. */
export function paxTime(records: ReadonlyMap<string, string>): number | undefined {
  const text = records.get("mtime");
  if (text === undefined || text === "") return undefined;
  const seconds = Math.floor(Number(text));
  if (!/^-?[0-9]+(?:\.[0-9]*)?$/.test(text) || !Number.isSafeInteger(seconds)) {
    throw new RangeError("its PAX mtime is not a time");
  }
  return seconds;
}

/** One PAX record; its length counts its own digits. */
function paxRecord(key: string, value: string): string {
  const rest = encoder.encode(` ${key}=${value}\n`).length;
  let length = rest + String(rest).length;
  if (String(length).length !== String(rest).length) length = rest + String(length).length;
  return `${length} ${key}=${value}\n`;
}

/** Encodes the body of an extended header: {@linkcode parsePax} reads it. */
export function encodePax(records: readonly (readonly [key: string, value: string])[]): Uint8Array {
  return encoder.encode(records.map(([key, value]) => paxRecord(key, value)).join(""));
}
