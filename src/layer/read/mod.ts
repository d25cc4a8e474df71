/**
 * Reading layers that strangers made: decompression, tar, and what is in a base image.
 * @module
 */
export * from "./base_files.ts";
export * from "./layer_index.ts";
export * from "./limits.ts";
export { hasZstd } from "./zstd.ts";
export { openLayerStream, readLayerChunks, sniffCompression } from "./open.ts";
export { type ReadableTarEntry, readTar } from "./read_tar.ts";
export { type TarEntry, type TarEntryType, type TarHandler, TarParser } from "./tar_parser.ts";
export { teeHandlers } from "./tee_handlers.ts";
export { maybeWhiteout, type Whiteout } from "./whiteout.ts";
