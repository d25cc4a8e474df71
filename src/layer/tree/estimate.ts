/**
 * Estimates the work for a layer, for progress totals.
 * @module
 */
import type { LayerPlan } from "../../plan/types.ts";
import { type LayerTree, type ScanContext, scanLayer } from "./scan.ts";

/** The uncompressed size of a layer. */
export interface SizeEstimate {
  /** Bytes of tar, exact except for rewritten content. */
  readonly bytes: number;
  /** Number of entries. */
  readonly entries: number;
  /** The scan, to be passed to `buildLayer`. */
  readonly tree: LayerTree;
}

/** Scans a layer's sources. @throws {MiseOciError} as {@linkcode scanLayer}. */
export async function estimateSize(plan: LayerPlan, context: ScanContext): Promise<SizeEstimate> {
  const tree = await scanLayer(plan, context);
  return { bytes: tree.bytes, entries: tree.entries.length, tree };
}
