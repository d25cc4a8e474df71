/**
 * Finds the tool of a planned layer.
 * @module
 */
import type { Project, Tool } from "./project.ts";
import type { LayerPlan } from "./types.ts";

/** Whether a layer is that of a tool, or of several that share one. */
export function isToolLayer({ kind }: Pick<LayerPlan, "kind">): boolean {
  return kind === "tool";
}

/** The tool that a layer is of; `undefined` if several share it. */
export function toolOf({ tools }: Project, layer: LayerPlan): Tool | undefined {
  return !isToolLayer(layer)
    ? undefined
    : tools.find(({ short, version }) => short === layer.name && version === layer.version);
}
