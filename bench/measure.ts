/**
 * Measuring programs.
 * @module
 */
import { run, type RunOptions, which } from "../tests/support/testbed.ts";

/** What one run of a program cost. */
export interface Cost {
  /** Seconds from start to end. */
  readonly wall: number;
  /** Seconds of all cores, user and system, children included. */
  readonly cpu: number;
  /** Largest resident memory of one of its processes, in MB; 0 where it says nothing. */
  readonly memory: number;
}

/** Median, least and most of a series. */
export interface Spread {
  /** The middle one; of an even number the mean of the two in the middle. */
  readonly median: number;
  /** The least. */
  readonly min: number;
  /** The most. */
  readonly max: number;
}

/** Runs a program under GNU time. @throws {Error} with its output if it fails. */
export async function measure(
  command: readonly [string, ...string[]],
  options: Pick<RunOptions, "env" | "cwd">,
): Promise<Cost> {
  const time = which("time");
  if (time === undefined) throw new Error('The benchmarks need GNU time: run "deno task testbed"');
  const { stderr } = await run([time, "-f", "%e %U %S %M", ...command], options);
  const [wall = NaN, user = NaN, system = NaN, kilobytes = NaN] = stderr.trim().split("\n").at(-1)
    ?.split(" ").map(Number) ?? [];
  if (Number.isNaN(kilobytes)) throw new Error(`No measurement in ${JSON.stringify(stderr)}`);
  return { wall, cpu: user + system, memory: kilobytes * 1024 / 1e6 };
}

/** Median, least and most of at least one number. */
export function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  const at = (index: number): number => sorted[index] ?? NaN;
  const median = (at(Math.floor(middle)) + at(Math.ceil(middle))) / 2;
  return { median, min: at(0), max: at(sorted.length - 1) };
}
