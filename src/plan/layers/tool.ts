/**
 * One layer per tool, under `<mount>/installs/<tool>/<version>/` exactly as mise lays it out.
 * @module
 */
import { Annotation, streamingSha256 } from "../../oci/mod.ts";
import { toolImagePath, toolRelocations } from "../paths.ts";
import type { LayerPlan } from "../types.ts";
import type { LayerPlanInput } from "./planner.ts";

/** The annotation that says what is left out; the order of globs does not matter. */
function excludeAnnotation(globs: readonly string[]): Readonly<Record<string, string>> {
  if (globs.length === 0) return {};
  const text = JSON.stringify([...new Set(globs)].sort());
  return { [Annotation.layerExclude]: streamingSha256().update(text).digest("hex").slice(0, 16) };
}

/** Plans the tools' layers, in the project's order. */
export function planToolLayers(
  { project, resolved, versions }: LayerPlanInput,
): readonly LayerPlan[] {
  const { mountPoint, owner } = resolved;
  const exclude = project.oci.exclude ?? [];
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
      exclude,
      createdBy: `mise-oci: tool ${tool.short}@${tool.version}`,
      annotations: {
        [Annotation.layerKind]: "tool",
        [Annotation.toolShort]: tool.short,
        [Annotation.toolVersion]: tool.version,
        [Annotation.layerPrefix]: image.slice(1),
        [Annotation.layerOwner]: `${owner.uid}:${owner.gid}`,
        [Annotation.layerRelocation]: versions.relocation,
        [Annotation.layerFormat]: versions.format,
        ...excludeAnnotation(exclude),
      },
    };
  });
}
