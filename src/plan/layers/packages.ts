/**
 * The layer of system packages, the bottommost. It has no sources, because its files come from the
 * base's package manager, not from the host.
 * @module
 */
import { Annotation, packageManager, packageWords } from "../../oci/mod.ts";
import type { LayerPlan } from "../types.ts";
import type { LayerPlanInput } from "./planner.ts";

/** Plans the layer of system packages; none without packages. */
export function planPackagesLayer({ options }: LayerPlanInput): readonly LayerPlan[] {
  if (options.packages === undefined) return [];
  const { manager, packages } = options.packages;
  const words = packageWords(manager, packages);
  return [{
    kind: "packages",
    name: manager,
    // Packages bring their own owners.
    owner: { uid: 0, gid: 0 },
    sources: [],
    relocations: [],
    exclude: [],
    policies: { keepsAttributes: true },
    packages: options.packages,
    createdBy: `mise-oci: ${packageManager(manager).history} ${words.join(" ")}`,
    annotations: {
      [Annotation.layerKind]: "packages",
      [Annotation.systemPackages]: manager,
    },
  }];
}
