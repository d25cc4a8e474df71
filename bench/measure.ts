/**
 * Measuring programs and putting measurements side by side.
 * @module
 */
import { run, type RunOptions, which } from "../tests/support/testbed/command.ts";

/** What one run of a program cost. */
export interface Cost {
  /** Seconds from start to end. */
  readonly wall: number;
  /** Seconds of all cores, user and system, children included. */
  readonly cpu: number;
  /** Largest resident memory of one of its processes, in MB. */
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
  return { wall, cpu: user + system, memory: kilobytes / 1024 };
}

/** Median, least and most of at least one number. */
export function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  const at = (index: number): number => sorted[index] ?? NaN;
  const median = (at(Math.floor(middle)) + at(Math.ceil(middle))) / 2;
  return { median, min: at(0), max: at(sorted.length - 1) };
}

/** One scenario: what two programs cost, pair by pair. */
export interface Comparison {
  /** What was done. */
  readonly scenario: string;
  /** Costs of mise-oci and of the other program in the same moment. */
  readonly pairs: readonly { readonly ours: Cost; readonly theirs: Cost }[];
}

function cell(values: readonly number[], digits: number): string {
  const { median, min, max } = spread(values);
  return `${median.toFixed(digits)} (${min.toFixed(digits)}–${max.toFixed(digits)})`;
}

function row(comparison: Comparison, measureName: keyof Cost, unit: string): string {
  const { scenario, pairs } = comparison;
  const digits = measureName === "memory" ? 0 : 2;
  const ours = pairs.map((pair) => pair.ours[measureName]);
  const theirs = pairs.map((pair) => pair.theirs[measureName]);
  const ratios = ours.map((value, i) => value / (theirs[i] ?? NaN));
  const cells = [
    scenario,
    `${measureName === "cpu" ? "CPU" : measureName}, ${unit}`,
    cell(ours, digits),
    cell(theirs, digits),
    cell(ratios, 2),
  ];
  return `| ${cells.join(" | ")} |`;
}

/** A Markdown table: median (least–most) of both, and of the ratio of each pair. */
export function formatTable(comparisons: readonly Comparison[], theirName: string): string {
  const head = ["scenario", "measure", "mise-oci", theirName, "ratio"];
  const rows = comparisons.flatMap((comparison) => [
    row(comparison, "wall", "s"),
    row(comparison, "cpu", "s"),
    row(comparison, "memory", "MB"),
  ]);
  const rule = head.map(() => "---").join(" | ");
  return [`| ${head.join(" | ")} |`, `| ${rule} |`, ...rows].join("\n");
}
