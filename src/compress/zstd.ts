/**
 * zstd (RFC 8878) from Deno's `node:zlib`, if available.
 * @module
 */

import { MiseOciError } from "../errors.ts";

/** The part of `node:zlib` that Deno's types and older versions do not all have. */
interface Zstd {
  zstdCompressSync?: (
    data: Uint8Array,
    options: { params: Record<number, number>; chunkSize?: number },
  ) => Uint8Array<ArrayBuffer>;
  createZstdDecompress?: unknown;
  constants: { ZSTD_c_compressionLevel?: number; ZSTD_c_checksumFlag?: number };
}

type Process = { getBuiltinModule(name: "zlib"): Zstd };

/** `node:zlib`, loaded on demand, because that takes longer than starting a worker. */
function loadZstd(): Zstd {
  const { process } = globalThis as unknown as { readonly process: Process };
  return process.getBuiltinModule("zlib");
}

/** Whether this Deno has zstd (2.6 and later), in both directions. */
export function hasZstd(): boolean {
  const { zstdCompressSync, createZstdDecompress, constants } = loadZstd();
  return typeof zstdCompressSync === "function" && typeof createZstdDecompress === "function" &&
    constants.ZSTD_c_compressionLevel !== undefined;
}

/** The error for a Deno without zstd; `instead` names the alternative to zstd. */
export function noZstd(failure: string, instead: string): MiseOciError {
  return new MiseOciError("unsupported", `${failure}: this Deno has no zstd`, {
    hint: `Use Deno 2.6 or later, or ${instead}`,
  });
}

/** One frame with a checksum. @throws {Error} if this Deno has no zstd. */
export function compressZstd(data: Uint8Array, level: number): Uint8Array<ArrayBuffer> {
  const { zstdCompressSync, constants } = loadZstd();
  if (zstdCompressSync === undefined) throw new Error("node:zlib has no zstd");
  const params = {
    [constants.ZSTD_c_compressionLevel ?? 100]: level,
    [constants.ZSTD_c_checksumFlag ?? 201]: 1,
  };
  // A buffer large enough for the output: zstd compresses directly into it, and no chunks have to be joined.
  return zstdCompressSync(data, { params, chunkSize: data.length + (data.length >> 8) + 1024 });
}
