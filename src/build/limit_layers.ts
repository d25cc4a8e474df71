/**
 * `max_layers` of `[_.oci]`: tools that share a layer, chosen by their sizes on disk.
 * @module
 */
import { MiseOciError } from "../errors.ts";
import { estimateSize } from "../layer/mod.ts";
import {
  type BuildPlan,
  chooseGroup,
  groupTools,
  isToolLayer,
  type Project,
  toolOf,
} from "../plan/mod.ts";
import type { WorkflowContext } from "../context.ts";
import type { Ground } from "./base/lay_ground.ts";
import { isInstalled } from "./reuse/reuse_layers.ts";

/** Options of {@linkcode limitLayers}. */
export interface LimitOptions {
  /** The project. */
  readonly project: Project;
  /** The base with packages. */
  readonly ground: Pick<Ground, "base" | "baseDirectories">;
  /** Maximum number of layers, including those of the base. */
  readonly maxLayers: number;
}

/**
 * Reduces the number of layers to the maximum. Only installed tools can share a layer, since the others
 * come from a registry.
 *
 * @throws {MiseOciError} `config` if there are too many other layers.
 */
export async function limitLayers(
  plan: BuildPlan,
  { project, ground: { base, baseDirectories }, maxLayers }: LimitOptions,
  context: WorkflowContext,
): Promise<BuildPlan> {
  const excess = base.layers.length + plan.layers.length - maxLayers;
  if (excess <= 0) return plan;
  const tools = plan.layers.filter((layer) => isToolLayer(layer) && isInstalled(layer, project));
  if (tools.length <= excess) {
    const least = maxLayers + excess - Math.max(tools.length - 1, 0);
    throw new MiseOciError(
      "config",
      `Cannot make an image of ${maxLayers} layers: ${base.layers.length} are the base's, and ` +
        `${plan.layers.length - tools.length} are not of tools that are installed`,
      { hint: `Set max_layers of [_.oci] to ${least} or more` },
    );
  }
  const candidates = [];
  for (const layer of tools) {
    const { bytes } = await estimateSize(layer, { baseDirectories, signal: context.signal });
    const tool = toolOf(project, layer);
    candidates.push({ layer, bytes, pinned: tool?.requested === tool?.version });
  }
  return groupTools(plan, chooseGroup(candidates, excess + 1));
}
