/**
 * What a kind of `mise-oci generate` is: a file of its own in this folder, and an entry in `mod.ts`.
 * @module
 */
import type { BuildPlan, Project } from "../../plan/mod.ts";

/** A project that a file is generated for. */
export interface GenerateInput {
  /** The project as mise sees it. */
  readonly project: Project;
  /** The plan of its image. */
  readonly plan: BuildPlan;
  /** What the config says of tools besides their versions, by name. */
  readonly toolOptions: ReadonlyMap<string, Readonly<Record<string, unknown>>>;
  /** Its directory relative to where the file is used; `.` for the same. */
  readonly path: string;
  /** The platforms asked for; empty if none was. */
  readonly platforms: readonly string[];
}

/** A kind of file. */
export interface Generator {
  /** What is typed: `dockerfile`. */
  readonly name: string;
  /** What it is for, one sentence without a final period. */
  readonly summary: string;
  /** The file that it usually is, relative to the directory. */
  readonly file: string;
  /** Whether it is about several projects at once. */
  readonly many?: boolean;
  /**
   * Loads what makes the text; `--help` reads names and summaries alone. It throws a `MiseOciError` naming
   * what of a project the file cannot say.
   */
  load(): Promise<(inputs: readonly GenerateInput[]) => string>;
}
