/**
 * How much work a layer is, for progress totals.
 * @module
 */
import type { LayerPlan } from "../../plan/types.ts";
import { type LayerTree, type ScanContext, scanLayer } from "./scan.ts";

/** How much a layer holds before it is compressed. */
export interface SizeEstimate {
  /** Bytes of tar, exact but for rewritten `#!` lines. */
  readonly bytes: number;
  /** Number of entries. */
  readonly entries: number;
  /** The scan, to be handed to `buildLayer` so that it is not made twice. */
  readonly tree: LayerTree;
}

/** Scans a layer's sources. @throws {MiseOciError} what {@linkcode scanLayer} throws. */
export async function estimateSize(plan: LayerPlan, context: ScanContext): Promise<SizeEstimate> {
  const tree = await scanLayer(plan, context);
  return { bytes: tree.bytes, entries: tree.entries.length, tree };
}
