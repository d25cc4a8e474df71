/**
 * Decompression, whatever the format.
 * @module
 */
import type { Compression } from "../oci/media_type.ts";
import { gunzip } from "./gunzip.ts";
import { unzstd } from "./unzstd.ts";

/** Options of {@linkcode decompress}. */
export interface DecompressOptions {
  /** What the data is in messages: `Cannot decompress WHAT: …`. */
  readonly what: string;
  /**
   * Whether the caller is done with a chunk once it asks for the next: its memory is then freed at once, and
   * not when garbage is collected, which would let 60 MB pile up. Default: false.
   */
  readonly transient?: boolean | undefined;
}

/**
 * The uncompressed bytes: all members of gzip and all frames of zstd.
 *
 * @throws {MiseOciError} while iterating: `integrity` for damaged or cut data, `unsupported` for zstd where
 * Deno has none.
 */
export function decompress(
  source: AsyncIterable<Uint8Array>,
  compression: Compression,
  { what, transient = false }: DecompressOptions,
): AsyncIterable<Uint8Array> {
  switch (compression) {
    case "gzip":
      return gunzip(source, { what, transient });
    case "zstd":
      return unzstd(source, what);
    case "none":
      return source;
  }
}
