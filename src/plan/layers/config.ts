/**
 * `/etc/mise/config.toml`: the project's tools with their exact versions, so that `mise` in the image
 * knows them.
 * @module
 */
import { stringify } from "@std/toml";
import { Annotation } from "../../oci/mod.ts";
import type { Project, Tool } from "../project.ts";
import type { LayerPlan } from "../types.ts";
import type { LayerPlanInput } from "./planner.ts";

/** Image path of mise's config directory. */
export const MISE_CONFIG_DIR = "/etc/mise";

/**
 * The text of the config file. A tool with several versions gets a list, in the project's order; names that
 * only the project knows are explained.
 */
export function encodeMiseConfig(
  tools: readonly Tool[],
  aliases: Project["toolAliases"] = {},
): string {
  const versions = new Map<string, string[]>();
  for (const { short, version } of tools.filter(({ ofTask }) => ofTask !== true)) {
    versions.set(short, [...versions.get(short) ?? [], version]);
  }
  const table = Object.fromEntries(
    [...versions].map(([short, list]) => [short, list.length === 1 ? list[0] : list]),
  );
  const named = Object.keys(aliases).length === 0 ? {} : { tool_alias: aliases };
  return `${stringify({ tools: table, ...named }).trim()}\n`;
}

/** Plans the config layer, the topmost. */
export const planConfigLayer = ({ project, resolved }: LayerPlanInput): readonly LayerPlan[] => [{
  kind: "config",
  name: "config",
  owner: resolved.owner,
  sources: [{
    type: "content",
    content: encodeMiseConfig(project.tools, project.toolAliases),
    imagePath: `${MISE_CONFIG_DIR}/config.toml`,
    mode: 0o644,
  }],
  relocations: [],
  exclude: [],
  createdBy: `mise-oci: ${MISE_CONFIG_DIR}/config.toml`,
  annotations: { [Annotation.layerKind]: "config" },
}];
