/**
 * Reading layers that strangers made: decompression, and what is in a base image.
 * @module
 */
export * from "./base_files.ts";
export * from "./layer_index.ts";
export * from "./limits.ts";
export { openLayerStream, readLayerChunks } from "./open.ts";
export { maybeWhiteout, type Whiteout } from "./whiteout.ts";
