/**
 * `deno task bench [--only NAME]… [--pairs N] [--write] [--list]`: the scoreboard. See README.md beside
 * this file.
 * @module
 */
import { join } from "@std/path";
import { parseArgs } from "node:util";
import { fetchMise, REPOSITORY, run } from "../tests/support/testbed.ts";
import { formatChart, megabytesOf, secondsOf } from "./chart.ts";
import type { Scenario } from "./contender.ts";
import { NATIVE } from "./programs.ts";
import { formatResult, formatResults } from "./report.ts";
import { measureScenario, type Result } from "./result.ts";
import { BUILD_SCENARIOS } from "./scenarios/build.ts";
import { FLEET_SCENARIOS } from "./scenarios/fleet.ts";
import { SCALE_SCENARIOS } from "./scenarios/scale.ts";
import { SHIP_SCENARIOS } from "./scenarios/ship.ts";

const SCENARIOS: readonly Scenario[] = [
  ...BUILD_SCENARIOS,
  ...SCALE_SCENARIOS,
  ...SHIP_SCENARIOS,
  ...FLEET_SCENARIOS,
];
const DATA = join(REPOSITORY, "bench/results.json");
const MARKDOWN = join(REPOSITORY, "bench/RESULTS.md");
const IMAGES = join(REPOSITORY, "docs/images");

function say(line: string): void {
  // deno-lint-ignore no-console
  console.error(line);
}

async function describeMachine(): Promise<string> {
  const { stdout } = await run([await fetchMise(), "version"]);
  const version = stdout.trim().split(" ")[0];
  const cores = navigator.hardwareConcurrency;
  return `Deno ${Deno.version.deno}, mise ${version}, ${Deno.build.target}, ${cores} cores`;
}

function chosen(names: readonly string[]): readonly Scenario[] {
  const unknown = names.find((name) => !SCENARIOS.some((scenario) => scenario.name === name));
  if (unknown !== undefined) throw new RangeError(`No scenario "${unknown}"; --list names them`);
  return names.length === 0 ? SCENARIOS : SCENARIOS.filter(({ name }) => names.includes(name));
}

async function readResults(): Promise<readonly Result[]> {
  try {
    return JSON.parse(await Deno.readTextFile(DATA)) as Result[];
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

/** The chart's results, by the names of scenarios and programs. */
function pick(
  results: readonly Result[],
  scenarios: readonly string[],
  keep: (program: string, index: number) => boolean,
): readonly Result[] {
  return scenarios.flatMap((name) => results.filter(({ scenario }) => scenario === name))
    .map((result) => ({ ...result, series: result.series.filter(({ name }, i) => keep(name, i)) }));
}

/** Writes everything anew from the results; those of scenarios that were not measured now are kept. */
async function write(measured: readonly Result[]): Promise<void> {
  const kept = await readResults();
  const results = SCENARIOS.flatMap(({ name }) =>
    [...measured, ...kept].find(({ scenario }) => scenario === name) ?? []
  );
  const pushes = ["push", "push-again", "build-push-again"];
  const builds = [
    "cold",
    "zstd",
    "warm",
    "bump",
    "50-tools",
    "small-files",
    ...pushes,
    "run-podman",
  ];
  const native = pick(results, builds, (name, i) => i === 0 || name === NATIVE);
  const rest = pick(results, ["cold", "zstd", "others", "small-files", "large-file", "push"], (
    name,
    i,
  ) => i === 0 || (name !== NATIVE && name !== "the limit"));
  await Deno.mkdir(IMAGES, { recursive: true });
  const files = {
    [DATA]: `${JSON.stringify(results, undefined, 2)}\n`,
    [MARKDOWN]: formatResults(results),
    [join(IMAGES, "bench-mise.svg")]: formatChart(
      "mise-oci and mise oci: seconds",
      native.map(secondsOf),
    ),
    [join(IMAGES, "bench-others.svg")]: formatChart(
      "mise-oci and other programs: seconds",
      rest.map(secondsOf),
    ),
    [join(IMAGES, "bench-fleet.svg")]: formatChart(
      "A fresh runner: seconds and megabytes",
      pick(results, ["fleet"], () => true).flatMap((result) => [
        secondsOf(result),
        megabytesOf(result, "received"),
        megabytesOf(result, "sent"),
      ]).filter(({ bars }) => bars.some(({ value }) => value > 0)),
    ),
  };
  for (const [path, text] of Object.entries(files)) await Deno.writeTextFile(path, text);
  // The gate wants everything formatted, tables too.
  await run([Deno.execPath(), "fmt", "--quiet", ...Object.keys(files)], { cwd: REPOSITORY });
}

async function main(): Promise<void> {
  const { values: flags } = parseArgs({
    args: Deno.args,
    options: {
      only: { type: "string", multiple: true },
      pairs: { type: "string" },
      write: { type: "boolean" },
      list: { type: "boolean" },
    },
  });
  const pairs = Number(flags.pairs ?? 5);
  if (!Number.isInteger(pairs) || pairs < 1) {
    throw new RangeError("--pairs wants a number from 1 up");
  }
  const scenarios = chosen((flags.only ?? []).flatMap((names) => names.split(",")));
  if (flags.list === true) {
    for (const { name, title } of scenarios) say(`${name.padEnd(16)} ${title}`);
    return;
  }
  const machine = await describeMachine();
  const results: Result[] = [];
  for (const scenario of scenarios) {
    const result = await measureScenario(scenario, { pairs, machine, say });
    results.push(result);
    await Deno.stdout.write(new TextEncoder().encode(`${formatResult(result)}\n`));
    // At once, so that what was measured is kept if something later fails.
    if (flags.write === true) await write(results);
  }
}

await main();
