/**
 * A layer once it is made.
 * @module
 */
import type { Descriptor, DiffId } from "../oci/mod.ts";
import type { LayerPlan } from "../plan/mod.ts";
import type { LayerRow } from "./types.ts";

/** A layer of the image, its blob in the cache (unless it was reused from a registry). */
export interface MadeLayer {
  /** What it was made of. */
  readonly plan: LayerPlan;
  /** Its blob, with annotations. */
  readonly descriptor: Descriptor;
  /** Diff ID. */
  readonly diffId: DiffId;
  /** Where its bytes came from. */
  readonly status: Exclude<LayerRow["status"], "base">;
  /** Image that it was reused from. */
  readonly reusedFrom?: string;
}

/** A blob with the annotations of the layer that it is now: equal blobs can be different layers. */
export function withAnnotations(descriptor: Descriptor, plan: LayerPlan): Descriptor {
  const { mediaType, digest, size } = descriptor;
  return { mediaType, digest, size, annotations: plan.annotations };
}
