/**
 * Lets the smallest tools share a layer, for engines that limit the number of layers. Pure.
 * @module
 */
import { Annotation } from "../oci/mod.ts";
import type { BuildPlan, LayerPlan } from "./types.ts";

/** A tool's layer as a candidate for the shared one. */
export interface GroupCandidate {
  /** The layer. */
  readonly layer: LayerPlan;
  /** Size of its tar in bytes. */
  readonly bytes: number;
  /** Whether the project names its exact version, so that it changes only by an edit. */
  readonly pinned: boolean;
}

/** Sizes within a power of two count as equal, so that an update rarely changes the group. */
function sizeClass({ bytes }: GroupCandidate): number {
  return Math.floor(Math.log2(bytes + 1));
}

/**
 * Chooses the tools that share a layer: the smallest, and among equal sizes first those that change
 * least.
 *
 * @param count number of tools to choose.
 */
export function chooseGroup(
  candidates: readonly GroupCandidate[],
  count: number,
): ReadonlySet<LayerPlan> {
  const title = ({ layer: { name } }: GroupCandidate): string => name;
  const sorted = [...candidates].sort((a, b) =>
    sizeClass(a) - sizeClass(b) || Number(b.pinned) - Number(a.pinned) ||
    (title(a) < title(b) ? -1 : 1)
  );
  return new Set(sorted.slice(0, count).map(({ layer }) => layer));
}

/** Replaces the chosen layers by one, at the position of the first of them. */
export function groupTools(plan: BuildPlan, chosen: ReadonlySet<LayerPlan>): BuildPlan {
  const members = plan.layers.filter((layer) => chosen.has(layer));
  const [first] = members;
  if (first === undefined || members.length < 2) return plan;
  const annotations = Object.fromEntries(
    Object.entries(first.annotations).filter(([name, value]) =>
      !name.startsWith(Annotation.toolPrefix) &&
      members.every(({ annotations }) => annotations[name] === value)
    ),
  );
  const tools = members.map(({ name, version = "", annotations }) => ({
    short: name,
    version,
    prefix: annotations[Annotation.layerPrefix],
  }));
  const group: LayerPlan = {
    kind: "tool",
    name: `${members.length} tools`,
    owner: first.owner,
    sources: members.flatMap(({ sources }) => sources),
    relocations: first.relocations,
    exclude: first.exclude,
    policies: first.policies,
    createdBy: `mise-oci: tools ${tools.map((one) => `${one.short}@${one.version}`).join(" ")}`,
    annotations: { ...annotations, [Annotation.layerTools]: JSON.stringify(tools) },
  };
  return {
    ...plan,
    layers: plan.layers.flatMap((layer) =>
      layer === first ? group : chosen.has(layer) ? [] : layer
    ),
  };
}
