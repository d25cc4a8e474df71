/**
 * Layer reuse (spec section 9): tool layers that already exist at the destination are not built again.
 *
 * If a tool is installed, its layer is compared with the registry's by diff ID, which comes from the local
 * cache or from a tar that is generated and hashed, at disk speed and without compression. If it is not
 * installed, the layer is chosen by its annotations, and the table shows the source.
 * @module
 */
import type { Reference } from "../oci/mod.ts";
import type { BuildPlan, LayerPlan, Project } from "../plan/mod.ts";
import type { ReusableLayer } from "../image/reuse.ts";
import type { RegistryClient } from "../registry/mod.ts";
import type { MadeLayer } from "./types.ts";
import { withAnnotations } from "./layers.ts";
import type { WorkflowContext } from "../context.ts";

/** Layers that already exist in a registry. */
const reuseModule = () => import("../image/reuse.ts");

/** Layers in the registry, by the plans for which they can be used. */
export type ReuseIndex = ReadonlyMap<LayerPlan, ReusableLayer>;

/** Reads the image whose layers may be reused. A missing or broken image is not an error. */
export async function readReuseIndex(
  client: RegistryClient,
  options: { readonly plan: BuildPlan; readonly reference: Reference; readonly asked: boolean },
  context: WorkflowContext,
): Promise<ReuseIndex> {
  const { plan, reference, asked } = options;
  const tools = plan.layers.filter(({ kind }) => kind === "tool");
  const { findReusableLayers } = await reuseModule();
  const { layers, problem } = await findReusableLayers(client, {
    reference,
    platform: plan.platform,
    wanted: tools.map(({ annotations }) => ({ annotations, compression: plan.compression.kind })),
    signal: context.signal,
  });
  if (problem !== undefined) {
    // A first push normally finds nothing; a missing `--cache-from`, or a broken image, is worth a warning.
    const warn = asked || problem.kind === "broken";
    const { text } = problem;
    context.reporter.emit(warn ? { type: "warning", text } : { type: "detail", level: 1, text });
  }
  return new Map(tools.flatMap((tool, i) => {
    const layer = layers[i];
    return layer === undefined ? [] : [[tool, layer] as const];
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

/** Whether a layer is of an installed tool: only then can it be compared. */
export function isInstalled({ name, version }: LayerPlan, { tools }: Project): boolean {
  return tools.some((tool) => tool.short === name && tool.version === version && tool.installed);
}
