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
import { freeMemory } from "../free_memory.ts";
import { deflateBlock } from "./deflate.ts";
import { compressZstd } from "./zstd.ts";

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
  freeMemory(bytes);
  return length;
}
