/**
 * The interface of a generator: one file in this folder, and an entry in `mod.ts`.
 * @module
 */
import type { BuildPlan, Project } from "../../plan/mod.ts";

/** A project to generate a file for. */
export interface GenerateInput {
  /** The project as read from mise. */
  readonly project: Project;
  /** The plan of its image. */
  readonly plan: BuildPlan;
  /** Options of tools in the config besides their versions, by tool name. */
  readonly toolOptions: ReadonlyMap<string, Readonly<Record<string, unknown>>>;
  /** Its directory relative to where the file is used; `.` if that is the same. */
  readonly path: string;
  /** The requested platforms, if any. */
  readonly platforms: readonly string[];
}

/** A kind of generated file. */
export interface Generator {
  /** The name on the command line: `dockerfile`. */
  readonly name: string;
  /** One sentence without a final period. */
  readonly summary: string;
  /** The usual path of the file, relative to the directory. */
  readonly file: string;
  /** Whether it covers several projects at once. */
  readonly many?: boolean;
  /**
   * Imports the generator, which `--help` does not need. It throws a `MiseOciError` naming what the file
   * cannot express.
   */
  load(): Promise<(inputs: readonly GenerateInput[]) => string>;
}
