/**
 * The layer engine: host trees to reproducible layers (spec.md, sections 6 and 7).
 *
 * ```text
 * LayerPlan → scanLayer → packEntries → blocks of tar → diff ID
 *              (lstat)     (read)            ↓
 *                                       worker pool → BlobSink → BuiltLayer
 * ```
 *
 * Guarantees, each with a test: the same input gives the same bytes with any number of workers; entries
 * are sorted and their parents present; time 0, given owner, normal modes; hard links kept; a tree that
 * changes while it is read gives an error, never a torn archive; memory is flat.
 *
 * Extended attributes, file capabilities and ACLs are dropped: Deno cannot read them.
 * @module
 */
export {
  buildLayer,
  type BuiltLayer,
  computeDiffId,
  type LayerContext,
  type PackContext,
} from "./build.ts";
export { type RelocatedText, relocatesAlike } from "./dependencies.ts";
export type { HostStat, LayerEntry } from "./entry.ts";
export { type FingerprintContext, fingerprintLayer, fingerprintTree } from "./fingerprint.ts";
export { LAYER_FORMAT, RELOCATION_FORMAT } from "./format.ts";
export type { TarSummary } from "./output.ts";
export { CompressionPool, type CompressionPoolOptions, createCompressionPool } from "./pool.ts";
export { type BaseDirectories, type LayerTree, type ScanContext, scanLayer } from "./scan.ts";
export type { BlobSink, BlobWriter } from "./sink.ts";
export { type StoreContext, storeEntries, type StoredEntries } from "./store_entries.ts";
export { estimateSize, type SizeEstimate } from "./estimate.ts";
