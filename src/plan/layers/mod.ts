/**
 * The kinds of layers, bottom first. A new kind is one new file and one line here.
 * @module
 */
import type { LayerPlan } from "../types.ts";
import { planCertificatesLayer } from "./certificates.ts";
import { planCopyLayers } from "./copy.ts";
import { planDotfilesLayer } from "./dotfiles.ts";
import { planMiseLayer, planSelfLayer } from "./mise.ts";
import { planPackagesLayer } from "./packages.ts";
import type { LayerPlanInput, LayerPlanner } from "./planner.ts";
import { planPluginLayers, planToolLayers } from "./tool.ts";

/** Planners by kind, bottom first (spec section 5). The config layer is on top, because it depends on all others. */
const PLANNERS: Readonly<Record<string, LayerPlanner>> = {
  packages: planPackagesLayer,
  tool: planToolLayers,
  plugin: planPluginLayers,
  certificates: planCertificatesLayer,
  copy: planCopyLayers,
  dotfiles: planDotfilesLayer,
  mise: planMiseLayer,
  self: planSelfLayer,
};

/** All kinds of layers, bottom first. */
export const LAYER_KINDS: readonly string[] = [...Object.keys(PLANNERS), "config"];

/** Plans every layer above the base, bottom first. */
export function planLayers(input: LayerPlanInput): readonly LayerPlan[] {
  return Object.values(PLANNERS).flatMap((planner) => planner(input));
}
