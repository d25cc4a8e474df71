/**
 * Drives a transform stream of `node:zlib` with back pressure.
 * @module
 */
import type { Transform } from "node:stream";

/** Input is cut to this many bytes, so that a bomb cannot inflate much before it is noticed. */
const STEP = 64 * 1024;

/**
 * Writes `source` into `transform` and yields what comes out. An error of either side is thrown; when
 * the consumer stops early, the transform is destroyed and the source closed.
 */
export async function* runTransform<T extends Uint8Array>(
  transform: Transform,
  source: AsyncIterable<Uint8Array>,
): AsyncGenerator<T> {
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
    for await (const chunk of transform) yield chunk as T;
  } catch (error) {
    failure ??= { error };
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
