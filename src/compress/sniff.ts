/**
 * Detects the compression of bytes. Separate from `decompress.ts`, which loads `node:zlib`.
 * @module
 */
import type { Compression } from "../oci/media_type.ts";

/** Bytes that {@linkcode sniffCompression} needs. */
export const MAGIC_BYTES = 4;

/** The compression that the first bytes indicate; `undefined` for xz and bzip2, which images do not use. */
export function sniffCompression(head: Uint8Array): Compression | undefined {
  const [a, b, c, d] = head;
  if (a === 0x1f && b === 0x8b) return "gzip";
  if (a === 0x28 && b === 0xb5 && c === 0x2f && d === 0xfd) return "zstd";
  if (a !== undefined && (a & 0xf0) === 0x50 && b === 0x2a && c === 0x4d && d === 0x18) {
    return "zstd"; // begins with a skippable frame, as pzstd writes it
  }
  const isXz = a === 0xfd && b === 0x37 && c === 0x7a && d === 0x58;
  const isBzip2 = a === 0x42 && b === 0x5a && c === 0x68 && d !== undefined && d >= 0x31 &&
    d <= 0x39;
  return isXz || isBzip2 ? undefined : "none";
}
