/**
 * Layer reuse (spec section 9): tool layers that the destination has already are not built again.
 *
 * A tool that is installed here is held against the registry's layer by its diff ID: the tar is made and
 * hashed, at disk speed and without compressing it. A tool that is not installed is taken by its
 * annotations, and the table says from where.
 * @module
 */
import type { Reference } from "../oci/mod.ts";
import { type BaseDirectories, computeDiffId } from "../layer/mod.ts";
import type { BuildPlan, LayerPlan, Project } from "../plan/mod.ts";
import { findReusableLayers, type RegistryClient, type ReusableLayer } from "../registry/mod.ts";
import { withAnnotations } from "./made_layer.ts";
import type { MadeLayer } from "./made_layer.ts";
import type { WorkflowContext } from "./types.ts";

/** Layers of the registry, by the plans that they can stand for. */
export type ReuseIndex = ReadonlyMap<LayerPlan, ReusableLayer>;

/** Reads the image whose layers may be reused. One that is missing or broken is no error. */
export async function readReuseIndex(
  client: RegistryClient,
  options: { readonly plan: BuildPlan; readonly reference: Reference; readonly asked: boolean },
  context: WorkflowContext,
): Promise<ReuseIndex> {
  const { plan, reference, asked } = options;
  const tools = plan.layers.filter(({ kind }) => kind === "tool");
  const { layers, problem } = await findReusableLayers(client, {
    reference,
    platform: plan.platform,
    wanted: tools.map(({ annotations }) => ({ annotations, compression: plan.compression.kind })),
    signal: context.signal,
  });
  if (problem !== undefined) {
    // The first push finds nothing, as it should; what was asked for, or is broken, is worth a word.
    const warn = asked || problem.kind === "broken";
    const { text } = problem;
    context.reporter.emit(warn ? { type: "warning", text } : { type: "detail", level: 1, text });
  }
  return new Map(tools.flatMap((tool, i) => {
    const layer = layers[i];
    return layer === undefined ? [] : [[tool, layer] as const];
  }));
}

function reused(plan: LayerPlan, layer: ReusableLayer): MadeLayer {
  return {
    plan,
    descriptor: withAnnotations(layer.descriptor, plan),
    diffId: layer.diffId,
    status: "reused",
    reusedFrom: layer.from,
  };
}

/** What decides whether a layer of the registry is used. */
export interface ReuseOptions {
  /** The registry's layers. */
  readonly index: ReuseIndex;
  /** The project, which knows what is installed. */
  readonly project: Project;
  /** Directories that the base has. */
  readonly baseDirectories: BaseDirectories;
}

/** The registry's layer for a plan, if there is one and it is what the tool here would give. */
export async function maybeReuseLayer(
  plan: LayerPlan,
  options: ReuseOptions,
  context: WorkflowContext,
): Promise<MadeLayer | undefined> {
  const { index, project, baseDirectories } = options;
  const layer = index.get(plan);
  if (layer === undefined) return undefined;
  const tool = project.tools.find(({ short, version }) =>
    short === plan.name && version === plan.version
  );
  if (tool?.installed !== true) return reused(plan, layer);
  const { signal, reporter } = context;
  const { diffId } = await computeDiffId(plan, { baseDirectories, signal });
  if (diffId === layer.diffId) return reused(plan, layer);
  reporter.emit({
    type: "detail",
    level: 1,
    text: `${plan.name} ${plan.version} differs from the layer in ${layer.from}: building it`,
  });
  return undefined;
}
