/**
 * Decompression, whatever the format.
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
  /** What the data is in messages: `Cannot decompress WHAT: …`. */
  readonly what: string;
  /**
   * Whether the caller is done with a chunk once it asks for the next: its memory is then freed at once, and
   * not when garbage is collected, which would let 60 MB pile up. Default: false.
   */
  readonly transient?: boolean | undefined;
}

/**
 * The uncompressed bytes: all members of gzip and all frames of zstd.
 *
 * @throws {MiseOciError} while iterating: `integrity` for damaged or cut data, `unsupported` for zstd where
 * Deno has none.
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
  const chunks = runTransform(transform, watched(), subject);
  yield* transient ? freed(chunks) : chunks;
  const read = transform.bytesWritten as number | undefined; // absent in Deno 2.4
  if (read !== undefined && lastNonZero >= read) {
    throw damaged(subject, "data after the end");
  }
}

/** Gives chunks, and frees the memory of each when nothing can need it any more. */
async function* freed(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let last: Uint8Array | undefined;
  for await (const chunk of chunks) {
    // Several chunks may share a buffer; once one comes that does not, zlib has left it, too.
    if (last !== undefined && last.buffer !== chunk.buffer) freeMemory(last);
    last = chunk;
    yield chunk;
  }
}
