/**
 * `deno run -A --frozen bench/run.ts [--pairs N] [--engine podman|docker]`: the second run of an image that
 * did not change, `mise-oci run` and `mise oci run` in turns, each building, loading, running
 * `node --version` and cleaning up; then what the engine receives after one tool was bumped.
 *
 * Needs root, podman or dockerd, and docker-registry: `deno task testbed`.
 * @module
 */
import { join } from "@std/path";
import { parseArgs } from "node:util";
import { programCommand } from "../tests/support/cli.ts";
import { startEngine, type TestEngine } from "../tests/support/containers.ts";
import {
  createMiseProject,
  type MiseProject,
  pushBase,
  run,
  startDockerRegistry,
  type ToolName,
  toolsToml,
} from "../tests/support/testbed.ts";
import { measure, spread } from "./measure.ts";

const NEW: readonly ToolName[] = ["node", "prettier", "typescript", "eslint"];
const OLD: readonly ToolName[] = ["node", "oldPrettier", "typescript", "eslint"];

interface Setting {
  readonly project: MiseProject;
  readonly engine: TestEngine;
  readonly from: string;
  readonly env: Readonly<Record<string, string>>;
}

function say(line: string): void {
  // deno-lint-ignore no-console
  console.error(line);
}

function networkOf({ engine }: Setting): readonly string[] {
  return engine.name === "docker" ? ["--engine-arg=--network=none"] : [];
}

function ourCommand(setting: Setting, ...args: readonly string[]): [string, ...string[]] {
  const { engine, from } = setting;
  const flags = ["--engine", engine.name, "--from", from, ...networkOf(setting), ...args];
  return programCommand(["run", ...flags, "--", "node", "--version"]);
}

/**
 * mise's own. With podman it builds into a temporary directory whose name podman mostly refuses for its
 * capital letters, so there the two steps are done one by one, in a directory that podman takes.
 */
function theirCommand({ project, engine, from }: Setting): [string, ...string[]] {
  const mise = `'${project.mise}' oci`;
  const command = "-- node --version";
  if (engine.name === "docker") {
    return ["sh", "-c", `${mise} run --engine docker --from ${from} ${command}`];
  }
  const image = join(project.root, "native");
  const build = `${mise} build --from ${from} -o ${image}`;
  return ["sh", "-c", `${build} && ${mise} run --engine podman --image-dir ${image} ${command}`];
}

async function setTools({ project }: Setting, tools: readonly ToolName[]): Promise<void> {
  await Deno.writeTextFile(join(project.directory, "mise.toml"), toolsToml(tools));
  await project.runMise("trust", "--quiet");
}

async function compare(setting: Setting, pairs: number): Promise<string> {
  const { project, engine, env } = setting;
  const options = { cwd: project.directory, env };
  const ours: number[] = [];
  const theirs: number[] = [];
  // The first pair fills every cache and is not counted.
  for (let i = 0; i <= pairs; i++) {
    const our = (await measure(ourCommand(setting), options)).wall;
    const their = (await measure(theirCommand(setting), options)).wall;
    say(`${engine.name}, pair ${i}: ${our.toFixed(2)} s and ${their.toFixed(2)} s`);
    if (i === 0) continue;
    ours.push(our);
    theirs.push(their);
  }
  const cell = (values: readonly number[]): string => {
    const { median, min, max } = spread(values);
    return `${median.toFixed(2)} (${min.toFixed(2)}–${max.toFixed(2)})`;
  };
  const ratios = ours.map((value, i) => value / (theirs[i] ?? NaN));
  return `| ${engine.name} | ${cell(ours)} | ${cell(theirs)} | ${cell(ratios)} |`;
}

/** What the engine fetches after prettier was bumped, from what the program says about it. */
async function bump(setting: Setting): Promise<string> {
  const options = { cwd: setting.project.directory, env: setting.env };
  await setTools(setting, OLD);
  // podman has nowhere to keep layers but an image.
  await run(ourCommand(setting, ...(setting.engine.name === "podman" ? ["--keep"] : [])), options);
  await setTools(setting, NEW);
  const { stderr } = await run(ourCommand(setting, "-v"), options);
  return /fetched .*/.exec(stderr)?.[0] ?? "fetched nothing";
}

const { values: flags } = parseArgs({
  args: Deno.args,
  options: { pairs: { type: "string" }, engine: { type: "string" } },
});
const pairs = Number(flags.pairs ?? 5);
if (!Number.isInteger(pairs) || pairs < 1) throw new RangeError("--pairs wants a number from 1 up");
const names = (["podman", "docker"] as const).filter((name) =>
  flags.engine === undefined || flags.engine === name
);
const rows: string[] = [];
const bumps: string[] = [];
await using registry = await startDockerRegistry();
const from = await pushBase(registry.host);
for (const name of names) {
  await using engine = await startEngine(name);
  await using project = await createMiseProject({ tools: NEW });
  const env = { ...engine.env, ...project.env, MISE_EXPERIMENTAL: "1" };
  const setting = { project, engine, from, env };
  // First, while the engine has seen neither version.
  bumps.push(`${name}, one tool of four bumped: ${await bump(setting)}`);
  rows.push(await compare(setting, pairs));
}
const head = "| engine | mise-oci run, s | mise oci run, s | ratio |\n| --- | --- | --- | --- |";
const text =
  `${pairs} pairs, ${navigator.hardwareConcurrency} cores\n\n${head}\n${rows.join("\n")}\n\n` +
  `${bumps.join("\n")}\n`;
await Deno.stdout.write(new TextEncoder().encode(text));
