/**
 * One layer per `[[oci.copy]]` entry and `--copy` flag.
 * @module
 */
import { Annotation } from "../../oci/mod.ts";
import { toolRelocations } from "../paths.ts";
import type { LayerPlan } from "../types.ts";
import type { LayerPlanInput } from "./planner.ts";

/** Plans the copies: config's first, then the command line's, so that later ones win. */
export const planCopyLayers = ({ project, resolved }: LayerPlanInput): readonly LayerPlan[] =>
  resolved.copies.map(({ host, image }): LayerPlan => ({
    kind: "copy",
    name: image,
    owner: resolved.owner,
    sources: [{ type: "tree", hostPath: host, imagePath: image }],
    relocations: toolRelocations(project, resolved.mountPoint),
    exclude: [],
    createdBy: `mise-oci: copy ${image}`,
    annotations: { [Annotation.layerKind]: "copy", [Annotation.copy]: image },
  }));
