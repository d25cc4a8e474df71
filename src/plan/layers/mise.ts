/**
 * The `mise` executable at `/usr/local/bin/mise`. It is above the tools, so that runtimes do not
 * unpack every tool again for a new mise.
 * @module
 */
import { Annotation } from "../../oci/mod.ts";
import type { HostExecutable } from "../options.ts";
import type { LayerPlan, Owner } from "../types.ts";
import type { LayerPlanInput } from "./planner.ts";

function executableLayer(
  kind: "mise" | "self",
  executable: HostExecutable,
  owner: Owner,
): LayerPlan {
  const name = kind === "mise" ? "mise" : "mise-oci";
  return {
    kind,
    name,
    version: executable.version,
    owner,
    sources: [{
      type: "file",
      hostPath: executable.path,
      imagePath: `/usr/local/bin/${name}`,
      mode: 0o755,
    }],
    relocations: [],
    exclude: [],
    policies: { isPublished: true, isTop: true, precedesBase: kind === "mise" },
    createdBy: `mise-oci: ${name} ${executable.version} at /usr/local/bin/${name}`,
    annotations: { [Annotation.layerKind]: kind },
  };
}

/** Plans the layer of the mise executable; none with `--no-mise`. */
export const planMiseLayer = ({ options, resolved }: LayerPlanInput): readonly LayerPlan[] =>
  options.mise === undefined ? [] : [executableLayer("mise", options.mise, resolved.owner)];

/** Plans the layer of the compiled mise-oci (`--embed-self`). */
export const planSelfLayer = ({ options, resolved }: LayerPlanInput): readonly LayerPlan[] =>
  options.self === undefined ? [] : [executableLayer("self", options.self, resolved.owner)];
