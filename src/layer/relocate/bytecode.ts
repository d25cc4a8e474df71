/**
 * Python's bytecode in tool layers: kept and made valid for the times that files have in a layer, so that
 * tools start without compiling on a read-only root and as any user (docs/layers.md, "Bytecode").
 * @module
 */
import { Buffer } from "node:buffer";
import { LAYER_TIME } from "../../tar/encode.ts";

/** Magic number, flags, time, size: four numbers of 32 bits (PEP 552). */
const HEADER = 16;

/** What is known of the source of bytecode on the host. */
export interface SourceStat {
  /** Length in bytes. */
  readonly size: number;
  /** Time of the last change, in ms. */
  readonly mtime: number;
}

/**
 * The header that bytecode has in a layer. Bytecode that is compared with its source's time and size gets the
 * layer's time; one that does not fit its source gets none, so that Python compiles. Bytecode that is
 * compared with its source's hash, or with nothing, stays as it is.
 *
 * @param head The first bytes, at least 16.
 * @param source `undefined` if the source is missing.
 * @returns `undefined` if nothing changes.
 */
export function maybeHeader(
  head: Uint8Array,
  source: () => SourceStat | undefined,
): Uint8Array | undefined {
  // Magic numbers of Python 3 end in "\r\n"; bit 0 of the flags says that there is a hash.
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

/** Types of strings in `marshal`, with one byte and with four bytes of length. */
const SHORT = /[zZ]/;
const LONG = /[aAut]/;
/** Bit of a type byte that says that the object is referred to later. */
const FLAG_REF = 0x80;

/**
 * Rewrites the file names that code objects keep for tracebacks. A string of `marshal` is a type byte, a length
 * and bytes, and nothing else in the format counts bytes, so a string of another length is safe.
 *
 * @param needle Host directory that names begin with.
 * @param rebase The new name of a file below it.
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
  /** Where its type byte is. */
  readonly start: number;
  readonly type: number;
  /** Number of bytes of its text. */
  readonly length: number;
  readonly text: string;
}

/** The string whose text begins at an offset. */
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
  // `z` and `Z` with a long text are `a` and `A`.
  return longString(isShort ? type - ("z".charCodeAt(0) - "a".charCodeAt(0)) : type, content);
}

function longString(type: number, content: Buffer): Uint8Array {
  const head = Buffer.alloc(5);
  head[0] = type;
  head.writeUInt32LE(content.length, 1);
  return Buffer.concat([head, content]);
}
