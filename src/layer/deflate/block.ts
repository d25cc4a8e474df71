/**
 * Compression of one block, the same in a worker and on the main thread.
 *
 * gzip: the tar is cut into fixed blocks; each is raw-deflated alone, with the 32 KiB before it as
 * dictionary and a sync flush at its end (the last is finished), so the blocks concatenate to one
 * deflate stream that any reader takes for an ordinary one. zstd: each block is a frame of its own,
 * and frames concatenate (RFC 8878, section 3). Either way the result does not depend on how many
 * workers there are.
 * @module
 */
import { deflateBlock } from "./deflate.ts";

/** How one block is compressed. */
export interface BlockJob {
  /** Format. */
  readonly kind: "gzip" | "zstd";
  /** The format's level. */
  readonly level: number;
  /** Where the block begins in the buffer; the bytes before it are the dictionary. */
  readonly start: number;
  /** Where it ends. */
  readonly end: number;
  /** Number of dictionary bytes before `start`. */
  readonly dictionary: number;
  /** Whether the stream ends with this block. */
  readonly last: boolean;
}

/** The part of `node:zlib` that Deno's types and older versions do not all have. */
interface Zstd {
  zstdCompressSync?: (
    data: Uint8Array,
    options: { params: Record<number, number>; chunkSize?: number },
  ) => Uint8Array<ArrayBuffer>;
  constants: { ZSTD_c_compressionLevel?: number; ZSTD_c_checksumFlag?: number };
}

type Process = { getBuiltinModule(name: "zlib"): Zstd };

/** `node:zlib`, loaded when it is needed: that takes longer than a worker takes to start. */
function loadZstd(): Zstd {
  const { process } = globalThis as unknown as { readonly process: Process };
  return process.getBuiltinModule("zlib");
}

/** Whether this Deno can write zstd (2.6 and later). */
export function hasZstd(): boolean {
  const { zstdCompressSync, constants } = loadZstd();
  return typeof zstdCompressSync === "function" && constants.ZSTD_c_compressionLevel !== undefined;
}

/**
 * Compresses `buffer[start, end)` into the beginning of the same buffer, which has room for what cannot be
 * compressed and grows.
 *
 * @returns Number of compressed bytes.
 */
export function compressBlock(buffer: Uint8Array, job: BlockJob): number {
  if (job.kind === "gzip") {
    const bytes = deflateBlock(buffer, job);
    buffer.set(bytes);
    return bytes.length;
  }
  const bytes = compressZstd(buffer.subarray(job.start, job.end), job.level);
  const { length } = bytes;
  buffer.set(bytes);
  // What `node:zlib` allocates counts little for the engine, which would let 60 MB of it pile up in each
  // worker before it collects garbage.
  bytes.buffer.transfer(0);
  return length;
}

function compressZstd(data: Uint8Array, level: number): Uint8Array<ArrayBuffer> {
  const { zstdCompressSync, constants } = loadZstd();
  if (zstdCompressSync === undefined) throw new Error("node:zlib has no zstd");
  const params = {
    [constants.ZSTD_c_compressionLevel ?? 100]: level,
    [constants.ZSTD_c_checksumFlag ?? 201]: 1,
  };
  // Room for whatever comes out: zstd then compresses straight into it, and nothing has to be joined.
  return zstdCompressSync(data, { params, chunkSize: data.length + (data.length >> 8) + 1024 });
}
