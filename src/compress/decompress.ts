/**
 * Decompression of every supported format.
 *
 * gzip (RFC 1952) by `node:zlib`, which reads several members and zero padding, as tape archives and
 * some registries' blobs have them; Deno's `DecompressionStream` refuses both. zstd: `unzstd.ts`.
 * @module
 */
import zlib from "node:zlib";
import type { Compression } from "../oci/media_type.ts";
import { freeMemory } from "./free_memory.ts";
import { damaged, runTransform } from "./transform.ts";
import { unzstd } from "./unzstd.ts";

/** Options of {@linkcode decompress}. */
export interface DecompressOptions {
  /** Description of the data in messages: `Cannot decompress WHAT: …`. */
  readonly what: string;
  /**
   * Whether the caller no longer uses a chunk when it requests the next. Its memory is then freed immediately
   * and not at the next garbage collection, before which 60 MB can accumulate. Default: false.
   */
  readonly transient?: boolean | undefined;
}

/**
 * The uncompressed bytes: all members of gzip and all frames of zstd.
 *
 * @throws {MiseOciError} while iterating: `integrity` for damaged or truncated data, `unsupported` for zstd
 * if this Deno lacks it.
 */
export function decompress(
  source: AsyncIterable<Uint8Array>,
  compression: Compression,
  { what, transient = false }: DecompressOptions,
): AsyncIterable<Uint8Array> {
  switch (compression) {
    case "gzip":
      return gunzip(source, { what, transient });
    case "zstd":
      return unzstd(source, what);
    case "none":
      return source;
  }
}

/**
 * The uncompressed bytes of a gzip stream: all members; zeros after the last one are ignored, anything
 * else there, a cut, or a wrong checksum is an error.
 */
async function* gunzip(
  source: AsyncIterable<Uint8Array>,
  { what, transient }: { readonly what: string; readonly transient: boolean },
): AsyncGenerator<Uint8Array> {
  const subject = { what, format: "gzip" };
  // node:zlib stops at the first zero after a member and ignores what follows, so the position of the last
  // non-zero byte is recorded and compared with the position that it has read to.
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
  const chunks = runTransform(transform, watched(), subject);
  yield* transient ? freed(chunks) : chunks;
  const read = transform.bytesWritten as number | undefined; // absent in Deno 2.4
  if (read !== undefined && lastNonZero >= read) {
    throw damaged(subject, "data after the end");
  }
}

/** Yields chunks, and frees the memory of each when it can no longer be used. */
async function* freed(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let last: Uint8Array | undefined;
  for await (const chunk of chunks) {
    // Several chunks may share a buffer; when a chunk has another buffer, zlib no longer uses the previous
    // one.
    if (last !== undefined && last.buffer !== chunk.buffer) freeMemory(last);
    last = chunk;
    yield chunk;
  }
}
