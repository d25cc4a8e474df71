/**
 * What plans a kind of layer: one function of pure data, in a file of its own, listed in `mod.ts`.
 * @module
 */
import type { PlanOptions, ResolvedOptions } from "../options.ts";
import type { Project } from "../project.ts";
import type { LayerPlan } from "../types.ts";

/** Versions of the layer engine's rules, which decide a layer's bytes. */
export interface LayerVersions {
  /** Version of the byte layout. */
  readonly format: string;
  /** Version of the relocation rules. */
  readonly relocation: string;
}

/** Input of every layer planner. */
export interface LayerPlanInput {
  /** The project. */
  readonly project: Project;
  /** The flags. */
  readonly options: PlanOptions;
  /** What applies after flags, `[oci]`, settings and defaults. */
  readonly resolved: ResolvedOptions;
  /** Versions of the layer engine's rules. */
  readonly versions: LayerVersions;
}

/** Plans the layers of one kind, bottom first. */
export type LayerPlanner = (input: LayerPlanInput) => readonly LayerPlan[];
