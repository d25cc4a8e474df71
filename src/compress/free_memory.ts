/**
 * Frees memory of `node:zlib` before garbage is collected.
 * @module
 */

/** Smaller ones are not worth it, and Node cuts small buffers from a pool that others use, too. */
const MIN_BYTES = 256 * 1024;

/**
 * Frees the memory behind bytes that nothing needs any more. What `node:zlib` allocates counts little for the
 * engine, which would let 60 MB of it pile up in each worker before it collects garbage.
 */
export function freeMemory({ buffer }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength >= MIN_BYTES) buffer.transfer(0);
}
