/**
 * gzip (RFC 1952) by `node:zlib`, which reads several members and zero padding, as tape archives and
 * some registries' blobs have them; Deno's `DecompressionStream` refuses both.
 * @module
 */
import zlib from "node:zlib";
import { freeMemory } from "../free_memory.ts";
import { damaged, runTransform } from "./transform.ts";

/**
 * The uncompressed bytes of a gzip stream: all members; zeros after the last one are ignored, anything
 * else there, a cut, or a wrong checksum is an error.
 */
export async function* gunzip(
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
