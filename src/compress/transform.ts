/**
 * Drives a transform stream of `node:zlib` with back pressure.
 * @module
 */
import type { Transform } from "node:stream";
import { MiseOciError } from "../errors.ts";

/**
 * Input is split into pieces of this size, so that a decompression bomb cannot expand much before it is
 * detected.
 */
const STEP = 64 * 1024;

/** Names the data and its format in errors. */
export interface DecompressionSubject {
  /** Description of the data: `layer "sha256:…"`. */
  readonly what: string;
  /** `gzip` or `zstd`. */
  readonly format: string;
}

/** The error for data that cannot be decompressed. */
export function damaged(
  subject: DecompressionSubject,
  why: string,
  cause?: unknown,
): MiseOciError {
  const message = `Cannot decompress ${subject.what}: ${subject.format}: ${why}`;
  return new MiseOciError("integrity", message, { cause });
}

/**
 * Writes `source` into a decompressor and yields its output. An error of the source is rethrown, one of the
 * decompressor is thrown as `integrity`; when the consumer stops early, the transform is destroyed and the
 * source closed.
 */
export async function* runTransform(
  transform: Transform,
  source: AsyncIterable<Uint8Array>,
  subject: DecompressionSubject,
): AsyncGenerator<Uint8Array> {
  let failure: { error: unknown } | undefined;
  let stopped = false;
  const pump = async (): Promise<void> => {
    try {
      for await (const chunk of source) {
        for (let from = 0; from < chunk.length; from += STEP) {
          if (stopped) return;
          if (!transform.write(chunk.subarray(from, from + STEP))) await drained(transform);
        }
      }
      transform.end();
    } catch (error) {
      failure ??= { error };
      transform.destroy();
    }
  };
  const pumping = pump();
  try {
    for await (const chunk of transform) yield chunk as Uint8Array;
  } catch (error) {
    failure ??= { error: damaged(subject, error instanceof Error ? error.message : "?", error) };
  } finally {
    stopped = true;
    transform.destroy();
    await pumping;
  }
  if (failure !== undefined) throw failure.error;
}

function drained(transform: Transform): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      for (const event of ["drain", "close", "error"]) transform.off(event, done);
      resolve();
    };
    for (const event of ["drain", "close", "error"]) transform.once(event, done);
    if (transform.destroyed) done();
  });
}
