/**
 * Typed stand-in for `jsr:@std/streams`, used through `links` where JSR cannot be reached.
 * @module
 */
import * as lines from "npm:deno-std@1.4.0/streams/text_line_stream.js";
import * as bytes from "npm:deno-std@1.4.0/streams/to_bytes.js";
import * as text from "npm:deno-std@1.4.0/streams/to_text.js";

type Streams = {
  toBytes(stream: ReadableStream<Uint8Array>): Promise<Uint8Array>;
  toText(stream: ReadableStream): Promise<string>;
  TextLineStream: new (options?: { allowCR?: boolean }) => TransformStream<string, string>;
};
const impl = { ...lines, ...bytes, ...text } as unknown as Streams;

/** Reads a whole byte stream into memory; only for input of known, small size. */
export const toBytes: (stream: ReadableStream<Uint8Array>) => Promise<Uint8Array> = impl.toBytes;
/** Reads a whole stream as text; only for input of known, small size. */
export const toText: (stream: ReadableStream) => Promise<string> = impl.toText;
/** Splits a text stream into lines. */
export const TextLineStream: new (
  options?: { allowCR?: boolean },
) => TransformStream<string, string> = impl.TextLineStream;
