/**
 * Keeps Python's bytecode in tool layers valid for the file times of a layer, so that tools start without
 * compiling, even on a read-only root and as any user (docs/layers.md, "Bytecode").
 * @module
 */
import { Buffer } from "node:buffer";
import { LAYER_TIME } from "../../tar/encode.ts";

/** Magic number, flags, time, size: four 32-bit numbers (PEP 552). */
const HEADER = 16;

/** Size and time of the source of bytecode on the host. */
export interface SourceStat {
  /** Length in bytes. */
  readonly size: number;
  /** Modification time, in ms. */
  readonly mtime: number;
}

/**
 * The header of bytecode in a layer. If it is validated by time and size, it gets the layer's time, or none
 * if it does not match its source, so that Python compiles again. Bytecode validated by hash, or not at
 * all, is unchanged.
 *
 * @param head The first bytes, at least 16.
 * @param source `undefined` if the source is missing.
 * @returns `undefined` if nothing changes.
 */
export function maybeHeader(
  head: Uint8Array,
  source: () => SourceStat | undefined,
): Uint8Array | undefined {
  // Magic numbers of Python 3 end in "\r\n"; bit 0 of the flags indicates a hash.
  if (head.length < HEADER || head[2] !== 0x0d || head[3] !== 0x0a) return undefined;
  const header = head.slice(0, HEADER);
  const view = new DataView(header.buffer);
  if (view.getUint32(4, true) !== 0) return undefined;
  const now = source();
  const valid = now !== undefined &&
    view.getUint32(8, true) === Math.floor(now.mtime / 1000) % 2 ** 32 &&
    view.getUint32(12, true) === now.size % 2 ** 32;
  view.setUint32(8, valid ? LAYER_TIME : 0, true);
  if (!valid) view.setUint32(12, 0, true);
  return header;
}

/** String types in `marshal`, with one byte and with four bytes of length. */
const SHORT = /[zZ]/;
const LONG = /[aAut]/;
/** Bit of a type byte for objects that are referred to later. */
const FLAG_REF = 0x80;

/**
 * Rewrites the file names that code objects store for tracebacks. In `marshal`, a string is a type byte, a
 * length and bytes, and nothing else depends on byte counts, so changing a string's length is safe.
 *
 * @param needle Host directory that the names begin with.
 * @param rebase Returns the new name of a file below it.
 * @returns `bytes` itself if nothing changes.
 */
export function rebaseFileNames(
  bytes: Uint8Array,
  needle: string,
  rebase: (path: string) => string | undefined,
): Uint8Array {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const parts: Uint8Array[] = [];
  let done = 0;
  for (let at = buffer.indexOf(needle); at >= 0; at = buffer.indexOf(needle, at + 1)) {
    const found = maybeString(buffer, at);
    if (found === undefined || found.start < done) continue;
    const after = rebase(found.text);
    if (after === undefined) continue;
    parts.push(bytes.subarray(done, found.start), encodeString(found.type, after));
    done = at + found.length;
  }
  return parts.length === 0 ? bytes : Buffer.concat([...parts, bytes.subarray(done)]);
}

interface MarshalString {
  /** Offset of its type byte. */
  readonly start: number;
  readonly type: number;
  /** Length of its text in bytes. */
  readonly length: number;
  readonly text: string;
}

/** The string whose text begins at an offset, if there is one. */
function maybeString(buffer: Buffer, at: number): MarshalString | undefined {
  const make = (start: number, length: number): MarshalString | undefined => {
    const text = buffer.toString("utf8", at, at + length);
    const whole = at + length <= buffer.length && Buffer.byteLength(text) === length;
    return whole ? { start, type: buffer[start] ?? 0, length, text } : undefined;
  };
  if (at >= 2 && SHORT.test(typeName(buffer[at - 2]))) return make(at - 2, buffer[at - 1] ?? 0);
  if (at >= 5 && LONG.test(typeName(buffer[at - 5]))) {
    return make(at - 5, buffer.readUInt32LE(at - 4));
  }
  return undefined;
}

function typeName(type = 0): string {
  return String.fromCharCode(type & ~FLAG_REF);
}

function encodeString(type: number, text: string): Uint8Array {
  const content = Buffer.from(text, "utf8");
  const isShort = SHORT.test(typeName(type));
  // deno-lint-ignore no-control-regex
  if (!/^[\x00-\x7f]*$/.test(text)) {
    return longString("u".charCodeAt(0) | (type & FLAG_REF), content);
  }
  if (isShort && content.length < 256) {
    return Buffer.concat([Buffer.of(type, content.length), content]);
  }
  // For long texts, `z` and `Z` become `a` and `A`.
  return longString(isShort ? type - ("z".charCodeAt(0) - "a".charCodeAt(0)) : type, content);
}

function longString(type: number, content: Buffer): Uint8Array {
  const head = Buffer.alloc(5);
  head[0] = type;
  head.writeUInt32LE(content.length, 1);
  return Buffer.concat([head, content]);
}
