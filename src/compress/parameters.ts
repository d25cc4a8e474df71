/**
 * How tars are split into blocks and framed for compression. All of it is part of the byte layout of layers
 * (`LAYER_FORMAT`).
 * @module
 */
import { type CompressionChoice, resolveCompression } from "../oci/compression.ts";
import type { Compression } from "../oci/media_type.ts";
import { hasZstd, noZstd } from "./zstd.ts";

/** How a tar is split into blocks and framed. */
export interface CompressionParameters {
  /** Format. */
  readonly kind: Compression;
  /** Level; 0 for `none`. */
  readonly level: number;
  /** Bytes of tar in a block; the last may have fewer. */
  readonly blockSize: number;
  /** Bytes of the preceding block that are the dictionary. */
  readonly dictionary: number;
}

const MIB = 1 << 20;
const BLOCKS: Readonly<
  Record<Compression, Pick<CompressionParameters, "blockSize" | "dictionary">>
> = {
  gzip: { blockSize: MIB, dictionary: 32 << 10 },
  zstd: { blockSize: 2 * MIB, dictionary: 0 },
  none: { blockSize: MIB, dictionary: 0 },
};

/**
 * The parameters of a compression.
 *
 * @throws {MiseOciError} `usage` for a level the format does not have, `unsupported` for zstd if this Deno
 * cannot write it.
 */
export function compressionParameters(
  choice: CompressionChoice,
  zstdAvailable?: boolean,
): CompressionParameters {
  const compression = resolveCompression(choice);
  if (choice.kind === "zstd" && !(zstdAvailable ?? hasZstd())) {
    throw noZstd("Cannot compress with zstd", "--compression gzip");
  }
  return { ...compression, ...BLOCKS[choice.kind] };
}

/** gzip header (RFC 1952): no name, time 0, no extra flags, OS 255 (unknown). */
export const GZIP_HEADER: Uint8Array = new Uint8Array([31, 139, 8, 0, 0, 0, 0, 0, 0, 255]);

/** gzip trailer: CRC-32 and length modulo 2^32 of the tar. */
export function gzipTrailer(crc: number, size: number): Uint8Array {
  const bytes = new Uint8Array(8);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, crc, true);
  view.setUint32(4, size % 2 ** 32, true);
  return bytes;
}
