/**
 * One layer per `[[oci.copy]]` entry and `--copy` flag.
 * @module
 */
import { relative } from "@std/path";
import { Annotation } from "../../oci/mod.ts";
import { escapeGlob, toolRelocations } from "../paths.ts";
import type { Copy } from "../project.ts";
import type { LayerPlan, LayerSource } from "../types.ts";
import type { LayerPlanInput } from "./planner.ts";

/**
 * Copies everything except what `.dockerignore` names and, if it is inside, the image being
 * written.
 */
function copySource({ host, image, ignore }: Copy, outputs: readonly string[]): LayerSource {
  const exclude = outputs.flatMap((output) => {
    const inside = relative(host, output);
    const isInside = inside !== "" && inside !== ".." && !inside.startsWith("../");
    // With `./`, the glob matches only at the top.
    return isInside ? `./${escapeGlob(inside)}` : [];
  });
  const source = {
    type: "tree",
    hostPath: host,
    imagePath: image,
    ...(ignore === undefined ? {} : { ignore }),
  } as const;
  return exclude.length === 0 ? source : { ...source, exclude };
}

/** Plans the copies: the config's first, then the command line's, so that later ones win. */
export const planCopyLayers = (
  { project, options, resolved }: LayerPlanInput,
): readonly LayerPlan[] =>
  resolved.copies.map((copy): LayerPlan => ({
    kind: "copy",
    name: copy.image,
    owner: resolved.owner,
    sources: [copySource(copy, options.outputs ?? [])],
    relocations: toolRelocations(project, resolved.mountPoint),
    exclude: project.oci.exclude ?? [],
    policies: {},
    createdBy: `mise-oci: copy ${copy.image}`,
    annotations: { [Annotation.layerKind]: "copy", [Annotation.copy]: copy.image },
  }));
