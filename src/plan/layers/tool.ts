/**
 * One layer per tool, under `<mount>/installs/<tool>/<version>/` exactly as mise lays it out.
 * @module
 */
import { Annotation } from "../../oci/mod.ts";
import { toolImagePath, toolRelocations } from "../paths.ts";
import type { LayerPlan } from "../types.ts";
import type { LayerPlanInput } from "./planner.ts";

/** Plans the tools' layers, in the project's order. */
export function planToolLayers(
  { project, resolved, versions }: LayerPlanInput,
): readonly LayerPlan[] {
  const { mountPoint, owner } = resolved;
  const relocations = toolRelocations(project, mountPoint);
  return project.tools.map((tool): LayerPlan => {
    const image = toolImagePath(mountPoint, tool);
    return {
      kind: "tool",
      name: tool.short,
      version: tool.version,
      owner,
      sources: [{
        type: "tree",
        hostPath: tool.realInstallPath ?? tool.installPath,
        imagePath: image,
      }],
      relocations,
      exclude: project.oci.exclude ?? [],
      createdBy: `mise-oci: tool ${tool.short}@${tool.version}`,
      annotations: {
        [Annotation.layerKind]: "tool",
        [Annotation.toolShort]: tool.short,
        [Annotation.toolVersion]: tool.version,
        [Annotation.layerPrefix]: image.slice(1),
        [Annotation.layerOwner]: `${owner.uid}:${owner.gid}`,
        [Annotation.layerRelocation]: versions.relocation,
        [Annotation.layerFormat]: versions.format,
      },
    };
  });
}
