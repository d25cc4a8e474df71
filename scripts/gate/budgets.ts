/**
 * How long the files of tests may take.
 * @module
 */

/** Seconds of a file that is not in the table. */
const DEFAULT_BUDGET = 20;

/**
 * Seconds that a file takes on two cores with another file beside it, and as much again. Whoever adds a slow test
 * raises its file's budget here, where it is seen.
 */
export const BUDGETS: Readonly<Record<string, number>> = {};

/** A file of tests that ran. */
export interface TimedFile {
  /** Path in the repository. */
  readonly file: string;
  /** Seconds. */
  readonly seconds: number;
}

/** Seconds that a file may take. */
export function budgetOf(file: string): number {
  return BUDGETS[file] ?? DEFAULT_BUDGET;
}

/**
 * What is wrong with files that took more than twice their budget. A slow or busy machine is slower for every
 * file: if the median file took more than its budget, all budgets grow in that proportion.
 */
export function findOverruns(files: readonly TimedFile[]): readonly string[] {
  const ratios = files.map(({ file, seconds }) => seconds / budgetOf(file)).sort((a, b) => a - b);
  const slowness = Math.max(1, ratios[ratios.length >> 1] ?? 1);
  return files.flatMap(({ file, seconds }) => {
    const limit = 2 * budgetOf(file) * slowness;
    if (seconds <= limit) return [];
    const took = `${seconds.toFixed(0)} s, more than twice its budget of ${budgetOf(file)} s`;
    const scale = slowness > 1 ? ` on a machine ${slowness.toFixed(1)} times as slow` : "";
    return [`${file} took ${took}${scale}: make it faster, or raise it in scripts/gate/budgets.ts`];
  });
}
