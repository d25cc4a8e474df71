/**
 * The interface of a layer planner: one pure function per kind of layer, listed in `mod.ts`.
 * @module
 */
import type { PlanOptions, ResolvedOptions } from "../options.ts";
import type { Project } from "../project.ts";
import type { LayerPlan } from "../types.ts";

/** Versions of the rules that determine a layer's bytes. */
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
  /** The options after flags, `[oci]`, settings and defaults are merged. */
  readonly resolved: ResolvedOptions;
  /** Versions of the layer rules. */
  readonly versions: LayerVersions;
}

/** Plans the layers of one kind, bottom first. */
export type LayerPlanner = (input: LayerPlanInput) => readonly LayerPlan[];
