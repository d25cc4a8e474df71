/**
 * Finds the tool of a planned layer.
 * @module
 */
import type { Project, Tool } from "./project.ts";
import type { LayerPlan } from "./types.ts";

/** Whether a layer contains a tool, or several that share the layer. */
export function isToolLayer({ kind }: Pick<LayerPlan, "kind">): boolean {
  return kind === "tool";
}

/** The tool in a layer; `undefined` if several share it. */
export function toolOf({ tools }: Project, layer: LayerPlan): Tool | undefined {
  return !isToolLayer(layer)
    ? undefined
    : tools.find(({ short, version }) => short === layer.name && version === layer.version);
}
