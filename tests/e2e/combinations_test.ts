/**
 * The combinations that users have: base × compression × user × place of the project × platforms. Each is built, as
 * a user's machine would, and runs in podman; a feature is built and run on a sample of them.
 */
import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { runProgram } from "../support/cli.ts";
import { NEEDS } from "../support/container_builds.ts";
import { inPairs } from "../support/in_pairs.ts";
import { FOREIGN } from "../support/platforms.ts";
import { serveStaticTool } from "../support/static_tool.ts";
import {
  createMiseProject,
  has,
  type MiseProject,
  OCI_ARCH,
  type Podman,
  pushBothBases,
  run,
  startDockerRegistry,
  startPodman,
  testWith,
} from "../support/testbed.ts";

const BASES = ["scratch", "registry", "index", "layout", "archive"] as const;
const COMPRESSIONS = ["gzip", "zstd", "none"] as const;
const USERS = ["root", "1000:1000"] as const;
const PLACES = ["code/app", "my project"] as const;
const PLATFORMS = [1, 2] as const;

/** One combination. */
interface Cell {
  readonly base: typeof BASES[number];
  readonly compression: typeof COMPRESSIONS[number];
  readonly user: typeof USERS[number];
  /** Directory of the project below HOME. */
  readonly place: typeof PLACES[number];
  readonly platforms: typeof PLATFORMS[number];
}

const CELLS: readonly Cell[] = BASES.flatMap((base) =>
  COMPRESSIONS.flatMap((compression) =>
    USERS.flatMap((user) =>
      PLACES.flatMap((place) =>
        PLATFORMS.map((platforms) => ({ base, compression, user, place, platforms }))
      )
    )
  )
);

/** Something that users configure, what shows it in a container, and what that prints. */
interface Feature {
  readonly name: string;
  /** More of `mise.toml`: keys of `[oci]`, then tables. */
  readonly toml?: string;
  /** More arguments of `build`. */
  readonly args?: readonly string[];
  /** What busybox's shell runs. */
  readonly script: string;
  readonly prints: string;
}

/** The tool alone, which is what every cell has. */
const TOOL: Feature = { name: "a tool", script: "echo works", prints: "works" };

/** A new feature is one more line; files that the lines name are in {@linkcode FILES}. */
const FEATURES: readonly Feature[] = [
  { name: "env", toml: '[env]\nHI = "a b"\n', script: 'echo "$HI"', prints: "a b" },
  { name: "oci.env", toml: '[oci.env]\nHI = "é"\n', script: 'echo "$HI"', prints: "é" },
  { name: "workdir", toml: 'workdir = "/srv/w"\n', script: "pwd", prints: "/srv/w" },
  { name: "copy", args: ["--copy", "a file:/srv/a"], script: "cat /srv/a", prints: "content" },
  {
    name: "oci.copy",
    toml: '[[oci.copy]]\nhost = "a file"\nimage = "/srv/b"\n',
    script: "cat /srv/b",
    prints: "content",
  },
  {
    name: "dotfiles",
    toml: '[dotfiles]\n"/etc/motd" = { source = "a file", mode = "copy" }\n',
    script: "cat /etc/motd",
    prints: "content",
  },
  {
    name: "mount point",
    args: ["--mount-point", "/opt/tools"],
    script: "echo /opt/tools/installs/*",
    prints: "/opt/tools/installs/github-test-busybox",
  },
  { name: "owner", args: ["--owner", "7"], script: "stat -c %u /mise/installs", prints: "7" },
];

const FILES = { "a file": "content\n" };

/** Cells that together have every value twice. */
const SAMPLE = [0, 31, 58, 83, 101].map((at) => CELLS[at]).filter((cell) => cell !== undefined);

/** Why a combination cannot be, or `undefined` if it can. */
function whyAbsent({ base, compression, platforms }: Cell): string | undefined {
  if (base === "registry" && platforms === 2) return "the base is of one platform";
  return compression === "zstd" && !has("zstd-zlib") ? "this Deno has no zstd" : undefined;
}

function titleOf({ base, compression, user, place, platforms }: Cell, { name }: Feature): string {
  return `${name}: ${base}, ${compression}, ${user}, ~/${place}, ${platforms} platform(s)`;
}

/** What all combinations share. */
interface Setting {
  readonly project: MiseProject;
  readonly env: Readonly<Record<string, string>>;
  readonly podman: Podman;
  readonly tools: string;
  readonly bases: Readonly<Record<Cell["base"], string>>;
}

/** The bases, wherever they are; podman has their layers already, which are the same in all. */
async function makeBases(
  registry: string,
  root: string,
  podman: Podman,
): Promise<Setting["bases"]> {
  const index = await pushBothBases(registry);
  const copy = [
    "skopeo",
    "copy",
    "--quiet",
    "--insecure-policy",
    "--src-tls-verify=false",
  ] as const;
  const layout = `oci:${join(root, "base")}:latest`;
  const archive = `oci-archive:${join(root, "base.tar")}:latest`;
  for (const to of [layout, archive]) await run([...copy, "--all", `docker://${index}`, to]);
  for (const name of [OCI_ARCH, FOREIGN]) {
    await podman.run(["pull", "--quiet", `--platform=linux/${name}`, layout]);
  }
  return {
    scratch: "scratch",
    registry: `${registry}/debian:${OCI_ARCH}`,
    index,
    layout: `oci:${join(root, "base")}`,
    archive: `oci-archive:${join(root, "base.tar")}`,
  };
}

/** A user's environment: everything in its default place below HOME. */
function userEnv({ env }: MiseProject): Record<string, string> {
  const names = ["PATH", "HOME", "LANG", "DENO_DIR"];
  return Object.fromEntries(names.map((name) => [name, env[name] ?? ""]));
}

/** The directory of the project of a cell with a feature, made once. */
async function makeProject(cell: Cell, feature: Feature, setting: Setting): Promise<string> {
  const { env, tools } = setting;
  const name = `${cell.place} ${feature.name} ${cell.user.length}`;
  const directory = join(
    env["HOME"] ?? "",
    cell.place.includes(" ") ? name : name.replaceAll(" ", "-"),
  );
  const user = cell.user === "root" ? "" : `user = "${cell.user}"\n`;
  const toml = `[oci]\n${user}${feature.toml ?? ""}\n${tools}`;
  await Deno.mkdir(directory, { recursive: true });
  for (const [path, text] of Object.entries({ ...FILES, "mise.toml": toml })) {
    await Deno.writeTextFile(join(directory, path), text);
  }
  await run([setting.project.mise, "trust", "--quiet", directory], { env, cwd: directory });
  return directory;
}

/** Runs an image's tool; what it prints, and as whom. */
async function runImage(
  { podman }: Setting,
  image: { readonly reference: string; readonly architecture: string },
  script: string,
): Promise<string> {
  const words = script.replace(/^(?=\w)/, "busybox ");
  const { stdout, stderr } = await podman.run([
    ...["run", "--rm", "--quiet", "--pull=always", "--network=none"],
    ...[`--platform=linux/${image.architecture}`, `oci:${image.reference}`],
    ...["busybox", "sh", "-c", `busybox id -u; ${words}`],
  ], { allowFailure: true });
  return `${stdout}${stderr}`;
}

/** Builds and runs one combination. @returns what is wrong with it; nothing if all is well. */
async function tryCell(
  cell: Cell,
  { feature, at }: { readonly feature: Feature; readonly at: number },
  setting: Setting,
): Promise<string> {
  const { project, env, bases } = setting;
  const cwd = await makeProject(cell, feature, setting);
  // podman names what it pulls by the directory alone: two cells at once must not share one.
  const output = join(project.root, `image-${at}`);
  const reference = `${output}:cell-${at}`;
  const architectures = cell.platforms === 1 ? [OCI_ARCH] : [OCI_ARCH, FOREIGN];
  const platforms = architectures.map((name) => `linux/${name}`).join();
  const built = await runProgram([
    ...["build", "--no-mise", "--quiet", "--from", bases[cell.base], "--platform", platforms],
    ...["--compression", cell.compression, "-o", output, "-t", `cell-${at}`],
    ...feature.args ?? [],
  ], { cwd, env });
  if (built.code !== 0) return built.stderr;
  const expected = `${cell.user === "root" ? 0 : 1000}\n${feature.prints}\n`;
  for (const architecture of architectures) {
    if (architecture !== OCI_ARCH && !has("arm64")) continue;
    const printed = await runImage(setting, { reference, architecture }, feature.script);
    if (printed !== expected) return `${architecture}: ${printed}`;
  }
  return "";
}

testWith(
  { needs: [...NEEDS, "arm64"] },
  "every combination of base, compression, user, place and platforms builds and runs",
  async (test) => {
    await using registry = await startDockerRegistry();
    await using podman = await startPodman();
    await using tool = await serveStaticTool();
    await using project = await createMiseProject({ toml: "[tools]\n" });
    const env = userEnv(project);
    const bases = await makeBases(registry.host, project.root, podman);
    const setting: Setting = { project, env, podman, tools: tool.toml, bases };
    const rows = [TOOL, ...FEATURES].flatMap((feature) =>
      (feature === TOOL ? CELLS : SAMPLE).map((cell) => ({ cell, feature }))
    );
    const first = await makeProject(CELLS[0]!, TOOL, setting);
    await run([project.mise, "install", "--yes", "--quiet"], { env, cwd: first });
    const failures = new Map<number, string>();
    const present = rows.entries().filter(([, { cell }]) => whyAbsent(cell) === undefined);
    await inPairs(present, async ([at, { cell, feature }]) => {
      failures.set(at, await tryCell(cell, { feature, at }, setting).catch(String));
    });
    for (const [at, { cell, feature }] of rows.entries()) {
      const reason = whyAbsent(cell);
      const title = titleOf(cell, feature);
      await test.step({
        name: reason === undefined ? title : `${title} (skipped: ${reason})`,
        ignore: reason !== undefined,
        fn: () => assertEquals(failures.get(at), ""),
      });
    }
  },
);
