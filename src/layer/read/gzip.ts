/**
 * gzip (RFC 1952) by `node:zlib`, which reads several members and zero padding, as tape archives and
 * some registries' blobs have them; Deno's `DecompressionStream` refuses both.
 * @module
 */
import zlib from "node:zlib";
import type { Buffer } from "node:buffer";
import { MiseOciError } from "../../errors.ts";
import { runTransform } from "./transform.ts";

/**
 * The uncompressed bytes of a gzip stream: all members; zeros after the last one are ignored, anything
 * else there, a cut, or a wrong checksum is an error.
 */
export async function* gunzip(
  source: AsyncIterable<Uint8Array>,
  what: string,
): AsyncGenerator<Uint8Array> {
  // node:zlib stops at the first zero after a member without looking at what follows, so where the
  // last byte that is not zero stands is remembered and compared with how far it read.
  let offset = 0;
  let lastNonZero = -1;
  async function* watched(): AsyncGenerator<Uint8Array> {
    for await (const chunk of source) {
      for (let i = chunk.length - 1; i >= 0; i--) {
        if (chunk[i] === 0) continue;
        lastNonZero = offset + i;
        break;
      }
      offset += chunk.length;
      yield chunk;
    }
  }
  const transform = zlib.createGunzip({ chunkSize: 256 * 1024 });
  try {
    yield* runTransform<Buffer>(transform, watched());
  } catch (error) {
    if (error instanceof MiseOciError || !isZlibError(error)) throw error;
    throw new MiseOciError("integrity", `Cannot decompress ${what}: gzip: ${error.message}`, {
      cause: error,
    });
  }
  const read = transform.bytesWritten as number | undefined; // absent in Deno 2.4
  if (read !== undefined && lastNonZero >= read) {
    throw new MiseOciError("integrity", `Cannot decompress ${what}: gzip: data after the end`);
  }
}

/** Whether an error came from zlib, and not from the stream below. */
export function isZlibError(error: unknown): error is Error {
  return error instanceof Error && "code" in error && typeof error.code === "string" &&
    /^(?:Z_|ZSTD_|ERR_ZSTD|ERR_BUFFER_TOO_LARGE)/.test(error.code);
}
