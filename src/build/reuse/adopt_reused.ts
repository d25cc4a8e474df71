/**
 * The environment of tools that are not installed on this machine. mise does not report it, but the image
 * that contains their layers does. Without this, a push from a machine without `java` would reuse its layer
 * but lose its directory on PATH and its `JAVA_HOME`.
 * @module
 */
import {
  mentionsPath,
  nameMatcher,
  planPath,
  type Project,
  type Tool,
  toolImagePath,
  toolOf,
} from "../../plan/mod.ts";
import { isWithin } from "../../paths.ts";
import type { PlannedImage } from "../types.ts";
import type { ReuseIndex } from "./reuse_layers.ts";

/** Set by mise-oci itself, even if an older image has other values. */
const OWN = /^(?:PATH|MISE_\w+)$/;

/** A tool whose layer is reused, and the variables of the image that it is in. */
interface Reused {
  readonly tool: Tool;
  readonly image: string;
  readonly variables: readonly (readonly [name: string, value: string])[];
}

function split(variable: string): readonly [string, string] {
  const at = variable.indexOf("=");
  return at < 0 ? [variable, ""] : [variable.slice(0, at), variable.slice(at + 1)];
}

function reusedTools({ plan, project }: PlannedImage, index: ReuseIndex): readonly Reused[] {
  return plan.layers.flatMap((layer) => {
    const reusable = index.get(layer);
    const tool = toolOf(project, layer);
    if (reusable === undefined || tool === undefined || tool.installed) return [];
    const image = toolImagePath(plan.mountPoint, tool);
    return [{ tool, image, variables: reusable.env.map(split) }];
  });
}

/** Directories of a tool on the PATH of its image, relative to the tool's directory; may be empty. */
function binDirs({ image, variables }: Reused): readonly string[] {
  const path = variables.find(([name]) => name === "PATH")?.[1] ?? "";
  return path.split(":")
    .filter((directory) => isWithin(directory, image))
    .map((directory) => directory.slice(image.length + 1));
}

/**
 * Completes the plan of an image with data about tools that are not installed, from the image in the
 * registry: their directories on PATH, and the variables that contain their directory.
 *
 * @param dropEnv names of variables that the flags exclude.
 */
export function adoptReused(
  planned: PlannedImage,
  index: ReuseIndex,
  dropEnv: readonly string[],
): PlannedImage {
  const reused = reusedTools(planned, index);
  if (reused.length === 0) return planned;
  const { plan } = planned;
  const dirs = new Map(reused.map((one) => [one.tool, binDirs(one)]));
  const tools = planned.project.tools.map((tool): Tool => {
    const found = dirs.get(tool) ?? [];
    return found.length === 0 ? tool : { ...tool, binDirs: found };
  });
  const project: Project = { ...planned.project, tools };
  const known = new Set(plan.config.env.map(([name]) => name));
  const dropped = nameMatcher([...project.oci.dropEnv, ...dropEnv]);
  const adopted = new Map(
    reused.flatMap(({ image, variables }) =>
      variables.filter(([name, value]) =>
        !OWN.test(name) && !known.has(name) && !dropped(name) && mentionsPath(value, image)
      )
    ),
  );
  const config = {
    ...plan.config,
    env: [...adopted, ...plan.config.env],
    path: planPath(project, plan.mountPoint),
  };
  return { project, plan: { ...plan, config } };
}
