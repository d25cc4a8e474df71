/**
 * The layer engine: host trees to reproducible layers (spec.md, sections 6 and 7).
 *
 * ```text
 * LayerPlan → scanLayer → packEntries → blocks of tar → diff ID
 *              (lstat)     (read)            ↓
 *                                       worker pool → LayerSink → BuiltLayer
 * ```
 *
 * Guarantees, each with a test: the same input gives the same bytes with any number of workers; entries are
 * sorted and include their parents; uniform times, owner and modes; hard links are kept; a tree that
 * changes while it is read gives an error, never a torn archive; memory use does not depend on the size.
 *
 * Extended attributes, file capabilities and ACLs are dropped: Deno cannot read them.
 *
 * @example A layer of a directory
 * ```ts
 * import { type BuiltLayer, buildLayer, createCompressionPool, NO_BASE, planTreeLayer } from "./mod.ts";
 * import type { LayerSink } from "./mod.ts";
 *
 * async function layerOf(directory: string, sink: LayerSink): Promise<BuiltLayer> {
 *   await using pool = createCompressionPool({ compression: { kind: "gzip" } });
 *   const plan = planTreeLayer(directory, "/srv/www");
 *   return await buildLayer(plan, { pool, sink, baseDirectories: NO_BASE });
 * }
 * ```
 * @module
 */
export {
  buildLayer,
  type BuiltLayer,
  computeDiffId,
  type LayerContext,
  type PackContext,
} from "./pack/build.ts";
export { type RelocatedText, relocatesAlike } from "./relocate/dependencies.ts";
export type { CompressionParameters } from "../compress/parameters.ts";
export type { BlockJob } from "../compress/block.ts";
export type { HostStat, LayerEntry } from "./entry.ts";
export { type FingerprintContext, fingerprintLayer, fingerprintTree } from "./pack/fingerprint.ts";
export { linkWarning } from "./relocate/link_warning.ts";
export { LAYER_FORMAT, RELOCATION_FORMAT } from "./format.ts";
export type { TarSummary } from "./pack/output.ts";
export {
  type CompressedBlock,
  CompressionPool,
  type CompressionPoolOptions,
  createCompressionPool,
  type PoolClient,
  type WaitingBlock,
} from "../compress/pool.ts";
export type { RelocationMap } from "./relocate/relocate.ts";
export {
  type BaseDirectories,
  type DirectoryAttributes,
  type LayerTree,
  type ScanContext,
  scanLayer,
} from "./tree/scan.ts";
export type { LayerSink, LayerWriter } from "./pack/sink.ts";
export { type StoreContext, type StoredEntries, storeEntries } from "./pack/store_entries.ts";
export { estimateSize, type SizeEstimate } from "./tree/estimate.ts";
export type { TarType } from "../tar/encode.ts";
export { NO_BASE, planTreeLayer, type TreeLayerOptions } from "./tree/tree_layer.ts";
export type {
  CompressionPlan,
  LayerPlan,
  LayerPolicies,
  LayerSource,
  Owner,
  PackageChoice,
  Relocation,
} from "../plan/types.ts";
