/**
 * One layer per tool, under `<mount>/installs/<tool>/<version>/` exactly as mise lays it out.
 * @module
 */
import { Annotation, streamingSha256 } from "../../oci/mod.ts";
import { escapeGlob, pluginsDirectory, toolImagePath, toolRelocations } from "../paths.ts";
import type { Tool, ToolParts } from "../project.ts";
import type { LayerPlan, LayerSource } from "../types.ts";
import type { LayerPlanInput } from "./planner.ts";

/** The annotation that identifies the excludes, independent of their order. */
function excludeAnnotation(globs: readonly string[]): Readonly<Record<string, string>> {
  if (globs.length === 0) return {};
  const text = JSON.stringify([...new Set(globs)].sort());
  return { [Annotation.layerExclude]: streamingSha256().update(text).digest("hex").slice(0, 16) };
}

/** Version control data next to a plugin's sources, which differs between clones of one commit. */
const NOT_SOURCES = [".git", ".hg", ".svn"];

/**
 * Plans a layer for each plugin's sources: mise in the image runs the plugin to find the tool's
 * executables and variables.
 */
export function planPluginLayers(
  { project, resolved: { mountPoint, owner } }: LayerPlanInput,
): readonly LayerPlan[] {
  const plugins = new Map(
    project.tools.flatMap(({ plugin }) => plugin === undefined ? [] : [[plugin.name, plugin]]),
  );
  return [...plugins.values()].map(({ name, hostPath }): LayerPlan => ({
    kind: "plugin",
    name,
    owner,
    sources: [{
      type: "tree",
      hostPath,
      imagePath: `${pluginsDirectory(mountPoint)}/${name}`,
      exclude: NOT_SOURCES,
    }],
    relocations: [],
    exclude: [],
    policies: { isPublished: true },
    createdBy: `mise-oci: plugin ${name}`,
    annotations: { [Annotation.layerKind]: "plugin", [Annotation.plugin]: name },
  }));
}

function toolSources(tool: Tool, mountPoint: string): readonly LayerSource[] {
  const image = toolImagePath(mountPoint, tool);
  const { installPath, realInstallPath = installPath } = tool;
  const parts: ToolParts = tool.parts ?? { trees: [{ hostPath: realInstallPath }] };
  const { trees, files = {}, directories = [] } = parts;
  return [
    ...trees.map(({ place, hostPath, exclude }): LayerSource => ({
      type: "tree",
      hostPath,
      ...(exclude === undefined ? {} : { exclude: exclude.map(escapeGlob) }),
      imagePath: place === undefined ? image : `${mountPoint}/${place}`,
    })),
    ...Object.entries(files).map(([place, content]): LayerSource => ({
      type: "content",
      content,
      imagePath: `${mountPoint}/${place}`,
      mode: 0o644,
    })),
    ...directories.map((place): LayerSource => ({
      type: "directory",
      imagePath: `${mountPoint}/${place}`,
    })),
  ];
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
      sources: toolSources(tool, mountPoint),
      relocations,
      exclude,
      policies: { isInstall: true, isPublished: true, precedesBase: true },
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
