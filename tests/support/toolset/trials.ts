/**
 * Images of the toolset, every command of them started in containers, beside what the check says of it.
 * @module
 */
import { join } from "@std/path";
import { runProgram } from "../cli.ts";
import { makeTempDir, removeTree, run } from "../testbed/command.ts";
import { cached } from "../testbed/kept.ts";
import type { Podman } from "../testbed/podman.ts";
import { miseEnv } from "../testbed/tools.ts";
import { TOOLSET_BASES, type ToolsetBase, toolsetBase } from "./bases.ts";
import { languageHomes, makeToolset, type Toolset } from "./toolset.ts";

/** How containers are started, to flags of podman. */
export const USERS = {
  root: [],
  "uid 1000": ["--user", "1000:1000"],
  "read-only": ["--read-only", "--read-only-tmpfs=false"],
} as const;

/** A way to start a container. */
export type ToolsetUser = keyof typeof USERS;

/** What was said of a command and what happened. */
export interface ToolsetTrial {
  readonly command: string;
  readonly base: ToolsetBase;
  readonly user: ToolsetUser;
  /** Why it does not start, or not wholly, as the check says. */
  readonly verdict?: string;
  /** `start`: the check says that it does not start. `part`: that something of it cannot work. */
  readonly severity?: "start" | "part";
  /** Why it did not start. */
  readonly failure?: string;
  /** Whether it does not start on this machine either, where it was installed: a fault of the tool's own. */
  readonly onHost?: boolean;
}

/** What the check's `--json` has that counts here. */
interface Report {
  readonly commands: number;
  readonly problems: readonly {
    readonly severity: string;
    readonly message: string;
    readonly commands: readonly string[];
    readonly dependents: readonly string[];
    readonly causes: readonly { readonly need?: string }[];
  }[];
}

/** What programs say that do not start, or whose own parts are missing. */
const MESSAGES: readonly RegExp[] = [
  /error while loading shared libraries: .*/,
  /version [`'"][^'"]*' not found .*/,
  /Error loading shared library .*/,
  /Error relocating .*/,
  /Cannot find (?:module|package) .*/,
  /MODULE_NOT_FOUND/,
  /ModuleNotFoundError: .*/,
  /ImportError: .*/,
  /Failed to import .*/,
  /cannot load such file .*/,
  /Can't locate \S+ in @INC.*/,
  /(?:OSError|RuntimeError): (?:cannot load library|no library called).*/,
  /JAVA_HOME environment variable is not defined.*/,
  /java: not found/,
  /Could not find or load main class.*/,
  /Error loading java\.security file/,
  /env: .*(?:No such file|can't execute|not found|Permission|unrecognized|invalid).*/,
  /exec: .*: not found/,
  /bad interpreter: .*/,
  // rustup, of a script whose interpreter is missing.
  /command failed: '.*/,
  /Couldn't find a valid ICU package.*/,
  /could not choose a version of .*|no (?:override and no )?default (?:toolchain )?.*/,
];

function maybeFailure(error: number, status: number, output: string): string | undefined {
  if (error !== 0) return `execve: error ${error}`;
  if (status === 0 || status === 124) return undefined;
  const said = MESSAGES.map((pattern) => pattern.exec(output)?.[0]).find((one) =>
    one !== undefined
  );
  if (said !== undefined) return said;
  return status === 126 || status === 127
    ? `exit code ${status}: ${output.slice(0, 200).replaceAll("\n", " ")}`
    : undefined;
}

async function makeStarter(): Promise<string> {
  const source = new URL("starter.c", import.meta.url);
  const directory = await cached(
    { name: "toolset-starter", sources: [source.href] },
    async (into) => {
      await run(["gcc", "-O1", "-static", source.pathname, "-o", join(into, "starter")]);
    },
  );
  return join(directory, "starter");
}

/** What commands did, by name: why they failed, if they did. */
type Failures = ReadonlyMap<string, string | undefined>;

/** Starts what is on PATH below `prefixes`. */
async function startAll(
  podman: Podman,
  image: string,
  { user, prefixes }: { readonly user: ToolsetUser; readonly prefixes: readonly string[] },
): Promise<Failures> {
  await using out = await makeTempDir();
  await Deno.chmod(out.path, 0o777);
  const starter = await makeStarter();
  await podman.run([
    "run",
    "--rm",
    "--network=none",
    ...USERS[user],
    `--volume=${starter}:/corpus-starter:ro`,
    `--volume=${out.path}:/corpus-out`,
    "--entrypoint=/corpus-starter",
    image,
    "/corpus-out",
    ...prefixes,
  ]);
  return await readFailures(out.path);
}

/** Starts the tools' commands where they were installed. */
async function startHere(
  { home, mise }: Toolset,
  options: { readonly env: Readonly<Record<string, string>>; readonly cwd: string },
): Promise<Failures> {
  await using out = await makeTempDir();
  const { CARGO_HOME = "" } = options.env;
  const prefixes = [home.root, CARGO_HOME, "/usr/lib/jvm", "/usr/share/maven"];
  await run([mise, "x", "--", await makeStarter(), out.path, ...prefixes], {
    ...options,
    allowFailure: true,
  });
  return await readFailures(out.path);
}

/** What the starter wrote. */
async function readFailures(directory: string): Promise<Failures> {
  const lines = (await Deno.readTextFile(join(directory, "results"))).trim().split("\n");
  const failures = new Map<string, string | undefined>();
  for (const line of lines) {
    // Libraries beside programs are no commands.
    if (/^\S*(?:-gdb\.py|\.(?:so|dll|node)) /.test(line)) continue;
    const [, name = "", error, status] = /^(.*) (\d+) (\d+)$/.exec(line) ?? [];
    const output = await Deno.readTextFile(join(directory, name)).catch(() => "");
    failures.set(name, maybeFailure(Number(error), Number(status), output));
  }
  return failures;
}

/** A project with the tools. @returns the environment to build it in. */
export async function writeProject(
  { home, mise, families }: Toolset,
  directory: string,
  hostLinks = false,
): Promise<Record<string, string>> {
  const env = {
    ...miseEnv(mise, home),
    ...languageHomes(),
    SOURCE_DATE_EPOCH: "1700000000",
    MISE_OCI_CACHE_DIR: join(home.root, "oci-cache"),
  };
  await Deno.writeTextFile(
    join(directory, "mise.toml"),
    `[tools]\n${
      Object.values(families).flat().join("\n")
    }\n[oci]\ntag = "corpus"\nworkdir = "/tmp"\n[_.oci]\nallow_plugins = ["agreet"]\nhost_links = ${hostLinks}\n`,
  );
  await run([mise, "trust", "--quiet"], { env, cwd: directory });
  return env;
}

/** What is tried. */
export interface ToolsetChoice {
  readonly base: ToolsetBase;
  readonly users: readonly ToolsetUser[];
  /** Families of tools. Default: all. */
  readonly families?: readonly string[];
  /** Whether the base's own commands are started too. */
  readonly ofBase?: boolean;
  /** Whether the image has the host's path to its tools. */
  readonly hostLinks?: boolean;
  /** What {@linkcode startToolsHere} gave. */
  readonly here?: Failures;
}

/** Starts the commands of families where they were installed: what fails there too is the tool's own fault. */
export async function startToolsHere(families?: readonly string[]): Promise<Failures> {
  const toolset = await makeToolset(families);
  await using temp = await makeTempDir();
  return await startHere(toolset, { env: await writeProject(toolset, temp.path), cwd: temp.path });
}

type Verdict = Pick<ToolsetTrial, "verdict" | "severity">;

/** What the check says of each command, the gravest. */
function verdictsOf({ problems }: Report): ReadonlyMap<string, Verdict> {
  const verdicts = new Map<string, Verdict>();
  for (const wanted of ["part", "start"] as const) {
    for (const { severity, message, commands, dependents, causes } of problems) {
      // Of what commands open at run time only these keep one from starting.
      const isNeeded = causes.some(({ need = "" }) => /^(?:debugger|open-prefix)$/.test(need));
      if ((isNeeded ? "part" : severity) !== wanted) continue;
      for (const name of [...commands, ...dependents]) {
        verdicts.set(name, { verdict: message, severity: wanted });
      }
    }
  }
  return verdicts;
}

/**
 * Builds the image on a base, checks it and starts its commands.
 * @param podman the same for all bases: they share the layers.
 */
export async function tryToolset(
  podman: Podman,
  { base, users, families, ofBase = false, hostLinks = false, here }: ToolsetChoice,
): Promise<readonly ToolsetTrial[]> {
  const toolset = await makeToolset(families);
  const from = await toolsetBase(base);
  const cwd = join(podman.root, "project");
  await Deno.mkdir(cwd, { recursive: true });
  const env = await writeProject(toolset, cwd, hostLinks);
  const own = here ?? await startHere(toolset, { env, cwd });
  const layout = join(podman.root, `image-${TOOLSET_BASES.indexOf(base)}`);
  const flags = ["--from", from, "--compression", "none", "--no-check", "-o", layout];
  const { code, stderr } = await runProgram(["build", ...flags], { env, cwd });
  if (code !== 0) throw new Error(`The toolset's image on ${base} was not built: ${stderr}`);
  const checked = await runProgram(["check", "--json", layout], { env, cwd });
  const report: Report = JSON.parse(checked.stdout);
  const verdicts = verdictsOf(report);
  const { stdout } = await podman.run(["pull", "--quiet", `oci:${layout}`]);
  await removeTree(layout);
  const image = stdout.trim();
  const trials: ToolsetTrial[] = [];
  for (const user of users) {
    const prefixes = ofBase ? [] : ["/mise/", "/usr/local/bin"];
    for (const [command, failure] of await startAll(podman, image, { user, prefixes })) {
      const verdict = verdicts.get(command);
      const isOwn = failure !== undefined && verdict === undefined &&
        own.get(command) !== undefined;
      trials.push({
        command,
        base,
        user,
        ...verdict,
        ...(failure === undefined ? {} : { failure }),
        ...(isOwn ? { onHost: true } : {}),
      });
    }
  }
  return trials;
}

/** Said good, and did not start, though it does where it was installed. */
export function isFalseGood({ verdict, failure, onHost = false }: ToolsetTrial): boolean {
  return verdict === undefined && failure !== undefined && !onHost;
}

/** Said not to start, and did. */
export function isFalseBad({ severity, failure }: ToolsetTrial): boolean {
  return severity === "start" && failure === undefined;
}
