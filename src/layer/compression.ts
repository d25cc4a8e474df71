/**
 * The compressions a layer can have: block sizes, levels, framing. All of it is part of the byte layout
 * (`LAYER_FORMAT`).
 * @module
 */
import { MiseOciError } from "../errors.ts";
import type { Compression } from "../oci/mod.ts";
import type { CompressionPlan } from "../plan/types.ts";
import { hasZstd } from "./deflate/zstd.ts";

/** How a tar is cut into blocks and framed. */
export interface Framing {
  /** Format. */
  readonly kind: Compression;
  /** Level; 0 for `none`. */
  readonly level: number;
  /** Bytes of tar in a block; the last may have fewer. */
  readonly blockSize: number;
  /** Bytes of the block before that serve as dictionary. */
  readonly dictionary: number;
}

const MIB = 1 << 20;
const LEVELS: Readonly<Record<Compression, { min: number; max: number; preset: number }>> = {
  gzip: { min: 1, max: 9, preset: 5 },
  zstd: { min: 1, max: 19, preset: 3 },
  none: { min: 0, max: 0, preset: 0 },
};

/**
 * Checks a compression and fills in its level.
 *
 * @throws {MiseOciError} `usage` for a level the format does not have, `unsupported` for zstd where Deno
 * cannot write it.
 */
export function resolveFraming(plan: CompressionPlan, zstdAvailable?: boolean): Framing {
  const { min, max, preset } = LEVELS[plan.kind];
  const level = plan.level ?? preset;
  if (!Number.isInteger(level) || level < min || level > max) {
    throw new MiseOciError("usage", `Invalid level "${level}" for compression "${plan.kind}"`, {
      hint: plan.kind === "none"
        ? 'Compression "none" has no level'
        : `Levels of ${plan.kind} are ${min} to ${max}; the default is ${preset}`,
    });
  }
  if (plan.kind === "zstd" && !(zstdAvailable ?? hasZstd())) {
    throw new MiseOciError("unsupported", "Cannot compress with zstd: this Deno has no zstd", {
      hint: "Use Deno 2.6 or later, or --compression gzip",
    });
  }
  switch (plan.kind) {
    case "gzip":
      return { kind: "gzip", level, blockSize: MIB, dictionary: 32 << 10 };
    case "zstd":
      return { kind: "zstd", level, blockSize: 2 * MIB, dictionary: 0 };
    case "none":
      return { kind: "none", level, blockSize: MIB, dictionary: 0 };
  }
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
