/**
 * Which tool of a project a layer of its plan has.
 * @module
 */
import type { Project, Tool } from "./project.ts";
import type { LayerPlan } from "./types.ts";

/** The tool that a layer is of. */
export function toolOf(
  { tools }: Project,
  { kind, name, version }: LayerPlan,
): Tool | undefined {
  return kind !== "tool"
    ? undefined
    : tools.find((tool) => tool.short === name && tool.version === version);
}
