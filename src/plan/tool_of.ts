/**
 * Finds the tool of a planned layer.
 * @module
 */
import type { Project, Tool } from "./project.ts";
import type { LayerPlan } from "./types.ts";

/** The tool that a layer contains; `undefined` for other layers and for groups of tools. */
export function toolOf(
  { tools }: Project,
  { kind, name, version }: LayerPlan,
): Tool | undefined {
  return kind !== "tool"
    ? undefined
    : tools.find((tool) => tool.short === name && tool.version === version);
}
