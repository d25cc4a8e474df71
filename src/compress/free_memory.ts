/**
 * Frees memory of `node:zlib` before garbage is collected.
 * @module
 */

/** Freeing smaller buffers is not worth it, and Node allocates them from a shared pool. */
const MIN_BYTES = 256 * 1024;

/**
 * Frees the memory of bytes that are no longer used. V8 hardly counts memory that `node:zlib` allocates, and
 * would let 60 MB accumulate in each worker before it collects garbage.
 */
export function freeMemory({ buffer }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength >= MIN_BYTES) buffer.transfer(0);
}
