/**
 * Reads layers from untrusted sources: decompression, and the contents of base images.
 * @module
 */
export * from "./base_files.ts";
export * from "./layer_index.ts";
export * from "./limits.ts";
export { openLayerStream, readLayerChunks } from "./open.ts";
export { maybeWhiteout, type Whiteout } from "./whiteout.ts";
