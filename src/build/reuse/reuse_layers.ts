/**
 * Layer reuse (spec section 9): layers of tools and mise that exist at the destination are not built again.
 *
 * An installed tool is compared with the registry's layer by diff ID, which comes from the local cache or
 * from creating and hashing the tar, at disk speed and without compression. A tool that is not installed is
 * matched by its annotations, and the table shows its origin.
 * @module
 */
import type { Reference } from "../../oci/mod.ts";
import {
  type BuildPlan,
  isToolLayer,
  type LayerPlan,
  type Project,
  toolOf,
} from "../../plan/mod.ts";
import type { ReusableLayer } from "../../image/reuse.ts";
import type { RegistryClient } from "../../registry/mod.ts";
import type { MadeLayer } from "../types.ts";
import { withAnnotations } from "../cached_layer.ts";
import type { WorkflowContext } from "../../context.ts";

/** Imported on demand: reading layers of an image in a registry. */
const reuseModule = () => import("../../image/reuse.ts");

/** Layers in the registry, by the plans for which they can be used. */
export type ReuseIndex = ReadonlyMap<LayerPlan, ReusableLayer>;

/** Reads the image whose layers may be reused. A missing or broken image is not an error. */
export async function readReuseIndex(
  client: RegistryClient,
  options: { readonly plan: BuildPlan; readonly reference: Reference; readonly asked: boolean },
  context: WorkflowContext,
): Promise<ReuseIndex> {
  const { plan, reference, asked } = options;
  const wanted = plan.layers.filter(isShared);
  const { findReusableLayers } = await reuseModule();
  const { layers, problem } = await findReusableLayers(client, {
    reference,
    platform: plan.platform,
    wanted: wanted.map(({ annotations }) => ({ annotations, compression: plan.compression.kind })),
    signal: context.signal,
  });
  if (problem !== undefined) {
    // A first push normally finds nothing; a missing `--cache-from`, or a broken image, is worth a warning.
    const warn = asked || problem.kind === "broken";
    const { text } = problem;
    context.reporter.emit(warn ? { type: "warning", text } : { type: "detail", level: 1, text });
  }
  return new Map(wanted.flatMap((one, i) => {
    const layer = layers[i];
    return layer === undefined ? [] : [[one, layer] as const];
  }));
}

/** The registry's layer for a plan, if there is one. */
export function maybeReusable(index: ReuseIndex, plan: LayerPlan): MadeLayer | undefined {
  const layer = index.get(plan);
  if (layer === undefined) return undefined;
  const { descriptor, diffId, from: reusedFrom } = layer;
  return {
    plan,
    descriptor: withAnnotations(descriptor, plan),
    diffId,
    status: "reused",
    reusedFrom,
  };
}

/** Whether images of several machines can share the layer: a tool's, or mise's. */
export function isShared(layer: LayerPlan): boolean {
  return isToolLayer(layer) || layer.kind === "mise";
}

/** Whether the content of a layer is on this machine, so that it can be compared. */
export function isInstalled(layer: LayerPlan, project: Project): boolean {
  return layer.kind === "mise" || toolOf(project, layer)?.installed === true;
}
