/**
 * What the scoreboard measures: scenarios, and the programs that take part in them.
 * @module
 */
import { run } from "../tests/support/testbed.ts";
import type { Cost } from "./measure.ts";

/** The name of our own program, first in every scenario. */
export const OURS = "mise-oci";

/** Bytes to and from registries. */
export interface Traffic {
  /** Bytes that they sent. */
  readonly received: number;
  /** Bytes that were sent to them, if they were counted. */
  readonly sent?: number;
}

/** A program that does what a scenario is about. */
export interface Contender {
  /** What the tables call it. */
  readonly name: string;
  /** Makes the state that a measured run begins with. */
  prepare(): Promise<void>;
  /** Does the work once. */
  run(): Promise<Cost>;
  /** Bytes that the last run made, where that is worth comparing. */
  size?(): Promise<number>;
  /** Bytes that the last run exchanged with registries, where that is worth comparing. */
  traffic?(): Traffic;
}

/** What is measured, and who takes part. */
export interface Scenario {
  /** For `--only`. */
  readonly name: string;
  /** What is done, as the table says it. */
  readonly title: string;
  /** Rounds at most, for what takes long. */
  readonly rounds?: number;
  /** Whether a first round is not counted. Default: yes. */
  readonly warmUp?: boolean;
  /** Prepares the parts; `stack` removes them after the scenario. Ours is the first contender. */
  open(stack: AsyncDisposableStack): Promise<readonly Contender[]>;
}

/** Bytes of disk that a tree takes. */
export async function diskUsage(path: string): Promise<number> {
  const { stdout } = await run(["du", "-s", "--bytes", path]);
  return Number(stdout.split("\t")[0]);
}
