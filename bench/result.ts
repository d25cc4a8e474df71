/**
 * What was measured: kept in `results.json`, from which `RESULTS.md` and the charts are written.
 * @module
 */
import type { Contender, Scenario, Traffic } from "./contender.ts";
import type { Cost } from "./measure.ts";

/** What one program needed, round by round. */
export interface Series {
  /** The program. */
  readonly name: string;
  /** Its costs. */
  readonly costs: readonly Cost[];
  /** Bytes that it made, if that is worth comparing. */
  readonly size?: number;
  /** Bytes that it exchanged with registries, if that is worth comparing. */
  readonly traffic?: Traffic;
}

/** What was measured of one scenario. */
export interface Result {
  /** The scenario's name. */
  readonly scenario: string;
  /** What was done. */
  readonly title: string;
  /** When, as an ISO date. */
  readonly date: string;
  /** On what, with which versions. */
  readonly machine: string;
  /** The programs, ours first. */
  readonly series: readonly Series[];
}

/** How a scenario is measured. */
export interface MeasureOptions {
  /** Rounds, if the scenario has no fewer. */
  readonly pairs: number;
  /** What it is measured on. */
  readonly machine: string;
  /** Told what goes on. */
  readonly say: (line: string) => void;
}

/** Measures a scenario: in each round every program has its turn, so that what else the machine does hits all. */
export async function measureScenario(
  scenario: Scenario,
  { pairs, machine, say }: MeasureOptions,
): Promise<Result> {
  const { name, title, rounds = pairs, warmUp = true } = scenario;
  await using stack = new AsyncDisposableStack();
  say(`${name}: preparing`);
  const contenders = await scenario.open(stack);
  const measured = contenders.map((): Cost[] => []);
  const last = Math.min(pairs, rounds);
  // The first round fills the page cache and Deno's code cache, and is not counted.
  for (let round = warmUp ? 0 : 1; round <= last; round++) {
    for (const [i, contender] of contenders.entries()) {
      await contender.prepare();
      const cost = await contender.run();
      say(`${name}: ${round}/${last} ${contender.name}: ${cost.wall.toFixed(2)} s`);
      if (round > 0) measured[i]?.push(cost);
    }
  }
  const series: Series[] = [];
  for (const [i, contender] of contenders.entries()) {
    series.push(await finishSeries(contender, measured[i] ?? []));
  }
  return { scenario: name, title, date: new Date().toISOString().slice(0, 10), machine, series };
}

async function finishSeries(contender: Contender, costs: readonly Cost[]): Promise<Series> {
  const { name } = contender;
  const size = await contender.size?.();
  const traffic = contender.traffic?.();
  return {
    name,
    costs,
    ...(size === undefined ? {} : { size }),
    ...(traffic === undefined ? {} : { traffic }),
  };
}

/** The ratios of ours to another program's, round by round. */
export function ratios(
  ours: Series,
  theirs: Series,
  measure: "wall" | "cpu" | "memory",
): readonly number[] {
  return ours.costs.map((cost, i) => cost[measure] / (theirs.costs[i]?.[measure] ?? NaN));
}
