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

/**
 * From the base up (spec section 5). The config layer, which depends on the others, is added on
 * top.
 */
const PLANNERS: readonly LayerPlanner[] = [
  planPackagesLayer,
  planToolLayers,
  planPluginLayers,
  planCertificatesLayer,
  planCopyLayers,
  planDotfilesLayer,
  planMiseLayer,
  planSelfLayer,
];

/** Plans every layer above the base, bottom first. */
export function planLayers(input: LayerPlanInput): readonly LayerPlan[] {
  return PLANNERS.flatMap((planner) => planner(input));
}
