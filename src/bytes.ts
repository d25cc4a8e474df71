/**
 * Joining bytes. Own, because the stand-in for `@std/bytes` in a checkout would load npm at every start.
 * @module
 */

/** Joins chunks in their order. */
export function concat(chunks: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(chunks.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}
