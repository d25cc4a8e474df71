/**
 * Installs a project's tools for another platform, with `mise install` and a separate data
 * directory, in two steps: first the tools that host programs assemble (npm, pip, …), while no
 * runtime of the target platform is on PATH; then the rest.
 * @module
 */
import { tracelessEnv } from "../install_env.ts";
import { basename, DELIMITER, dirname, join } from "@std/path";
import { MiseOciError } from "../../errors.ts";
import { homeDirectory } from "../../home.ts";
import { formatPlatform, type Platform } from "../../oci/mod.ts";
import type { ListedTool, ToolDetail } from "../answers.ts";
import { parseLines } from "../answers.ts";
import { ask, askBackends, askTools, disableTools, type Session } from "../ask.ts";
import { backendKind, FOREIGN_HINT } from "../backends.ts";
import type { MiseAnswer } from "../command.ts";
import { readConfigText } from "../config_file.ts";
import { prependCrossGo } from "./cross_go.ts";
import { explainFailure } from "../failure.ts";
import {
  foreignCacheDirectory,
  foreignDataDirectory,
  foreignLockPath,
  type ForeignPlatform,
  misePlatformName,
} from "./foreign_platform.ts";
import { exchangeWheels } from "./foreign_python.ts";
import { runInstall } from "../install_lock.ts";

/** Backends that run host programs to build or select what they install. */
const HOST_PROGRAMS: ReadonlySet<string> = new Set([
  "npm",
  "pipx",
  "pypi",
  "gem",
  "go",
  "dotnet",
]);

/** Backends that create Python environments. */
const PYTHON: ReadonlySet<string> = new Set(["pipx", "pypi"]);

/**
 * Use npm: unlike npm, mise's own npm installer, pnpm and bun select optional packages for the
 * host.
 */
const NPM: Readonly<Record<string, string>> = { MISE_NPM_PACKAGE_MANAGER: "npm" };

/** Whether a PATH contains a program. */
function hasProgram(path: string, name: string): boolean {
  return path.split(DELIMITER).some((directory) => {
    try {
      return directory !== "" && Deno.statSync(join(directory, name)).isFile;
    } catch {
      return false;
    }
  });
}

/** Backends whose installs are always for the host, and why. */
const HOST_ONLY: ReadonlyMap<string, string> = new Map([
  ["core:rust", "rustup installs toolchains of the machine it runs on"],
  ["cargo", "cargo compiles for the machine it runs on"],
  ["spm", "swift compiles for the machine it runs on"],
  ["conda", "mise takes conda's packages for the machine it runs on"],
]);

/** Refuses tools that can only be installed for the host, before anything is installed. */
function refuseHostOnly(
  tools: readonly ListedTool[],
  details: ReadonlyMap<string, ToolDetail>,
  { platform, reasons = HOST_ONLY }: {
    readonly platform: Platform;
    /** Why a backend is refused; by default, those that never work. */
    readonly reasons?: ReadonlyMap<string, string>;
  },
): void {
  const refused = tools.flatMap(({ short, version }) => {
    const { backend = "" } = details.get(short) ?? {};
    const why = reasons.get(backend) ?? reasons.get(backendKind(backend));
    return why === undefined ? [] : [`${short}@${version} (${why})`];
  });
  if (refused.length === 0) return;
  throw new MiseOciError(
    "tool",
    `Cannot install for ${formatPlatform(platform)} on this machine: ${refused.join(", ")}`,
    { hint: FOREIGN_HINT },
  );
}

/** Whether a lock file next to a config of the project contains the platform. */
async function isLocked(tools: readonly ListedTool[], name: string): Promise<boolean> {
  const sources = new Set(tools.flatMap(({ source }) => source ?? []));
  for (const source of sources) {
    const path = source.replace(/[^/\\]*$/, "mise.lock");
    const exists = await Deno.stat(path).then((info) => info.isFile, () => false);
    if (exists && (await readConfigText(path)).includes(`platforms.${name}`)) return true;
  }
  return false;
}

/**
 * Runs `mise install` and returns its result, even a failure. Its output is shown as it arrives.
 */
async function installHere(
  session: Session,
  args: readonly string[],
  { env, foreign, onLine }: {
    readonly env: Readonly<Record<string, string>>;
    readonly foreign: ForeignPlatform;
    readonly onLine?: (line: string) => void;
  },
): Promise<MiseAnswer> {
  const { misePath, directory, context } = session;
  return await runInstall({
    home: homeDirectory(session.context.env),
    misePath,
    directory,
    args,
    env: { ...tracelessEnv(context), ...session.env, ...env },
    timeoutMs: 0,
    onLine: onLine ?? ((line) => context.onInstallLine?.(line)),
    ...(context.signal === undefined ? {} : { signal: context.signal }),
  }, { path: foreignLockPath(foreign), locks: context.locks });
}

function failed({ code, killedBy }: MiseAnswer): boolean {
  return code !== 0 || killedBy !== undefined;
}

/**
 * Tools that mise unpacked and verified, but then failed to start, as with `node --version` on
 * another platform. With `always_keep_install` mise keeps such an install, marked as incomplete.
 */
function startFailures(
  tools: readonly ListedTool[],
  details: ReadonlyMap<string, ToolDetail>,
  stderr: string,
): readonly ListedTool[] {
  return tools.filter(({ short, version, installPath }) => {
    const { backend = "" } = details.get(short) ?? {};
    if (backendKind(backend) !== "core") return false;
    const message = `${backend}@${version}: `;
    return stderr.split("\n").some((line) => {
      const at = line.indexOf(message);
      if (at < 0) return false;
      const rest = line.slice(at + message.length).replace("failed to execute command: ", "");
      return rest.startsWith(installPath) && /exited with non-zero|os error 8/.test(rest);
    });
  });
}

/** Output of mise about a tool that it cannot start. */
const COMPLAINT =
  /^mise ERROR |^mise ✗ |· \d+ failed in |: Could not open '.*\/ld-|exec format error/i;

/**
 * Shows mise's output except for complaints about tools that do not start, which are held back
 * until it is clear whether they matter.
 */
class Complaints {
  readonly #show: (line: string) => void;
  readonly #held: string[] = [];

  constructor(show: (line: string) => void) {
    this.#show = show;
  }

  /** Adds a line of output. */
  take(line: string): void {
    if (COMPLAINT.test(line)) this.#held.push(line);
    else this.#show(line);
  }

  /** Shows the lines held back. */
  release(): void {
    for (const line of this.#held.splice(0)) this.#show(line);
  }
}

async function removeIfThere(path: string): Promise<void> {
  try {
    await Deno.remove(path, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** Removes the mark of an incomplete install, and the archive that mise kept because of it. */
async function finishInstall(tool: ListedTool, foreign: ForeignPlatform): Promise<void> {
  const name = join(basename(dirname(tool.installPath)), basename(tool.installPath));
  // Afterwards mise is queried again for whether it is installed.
  await removeIfThere(join(foreignCacheDirectory(foreign), name, "incomplete"));
  await removeIfThere(join(foreignDataDirectory(foreign), "downloads", name));
}

/**
 * Removes empty install directories. A mise that was killed before it marked its install as
 * incomplete leaves one, and then takes it for a complete install.
 *
 * @returns whether there were any.
 */
export async function removeEmptyInstalls(
  tools: readonly ListedTool[],
  foreign: ForeignPlatform,
): Promise<boolean> {
  const root = `${foreignDataDirectory(foreign)}/installs/`;
  let removed = false;
  for (const { installed, installPath } of tools) {
    if (!installed || !installPath.startsWith(root)) continue;
    try {
      await Deno.remove(installPath); // not recursive: fails unless it is empty
      removed = true;
    } catch {
      // Not empty, or gone.
    }
  }
  return removed;
}

/** Input of {@linkcode installForeign}. */
export interface ForeignInstall {
  /** The target platform and its directory. */
  readonly foreign: ForeignPlatform;
  /** The tools of the project that are not installed for the target platform. */
  readonly tools: readonly ListedTool[];
  /** Short names of tools outside the project, which are not installed. */
  readonly outside: readonly string[];
  /** Session for the host platform, for the programs that install others. */
  readonly host: Session;
  /** Whether to answer mise's prompts with yes. */
  readonly yes: boolean;
  /** Whether to install only what the lock file contains. */
  readonly locked: boolean;
}

/** PATH with the project's host tools first, such as npm of the project's node. */
async function hostPath({ host }: ForeignInstall): Promise<string> {
  const own = parseLines((await ask(host, ["bin-paths"])).stdout);
  return [...own, host.context.env("PATH") ?? ""].filter((part) => part !== "").join(DELIMITER);
}

function installError(args: readonly string[], answer: MiseAnswer, name: string): MiseOciError {
  const { code, message, hint } = explainFailure(args, answer);
  if (code !== "mise") return explainFailure(args, answer);
  return new MiseOciError("mise", `Cannot install the tools for ${name}: ${message}`, {
    hint: answer.killedBy === undefined ? FOREIGN_HINT : hint ?? FOREIGN_HINT,
  });
}

/** The first step: tools that host programs assemble. */
async function installHosted(
  session: Session,
  install: ForeignInstall,
  options: {
    readonly args: readonly string[];
    readonly details: ReadonlyMap<string, ToolDetail>;
    readonly hosted: ReadonlySet<string>;
  },
): Promise<void> {
  const { foreign, outside, tools } = install;
  const { args, details, hosted } = options;
  let path = await hostPath(install);
  if (tools.some(({ short }) => backendKind(details.get(short)?.backend ?? "") === "go")) {
    const cross = await prependCrossGo(path, foreign);
    if ("why" in cross) {
      const reasons = new Map([["go", cross.why]]);
      return refuseHostOnly(tools, details, { platform: foreign.platform, reasons });
    }
    path = cross.path;
  }
  const others = (await askTools(session)).map(({ short }) => short)
    .filter((short) => !hosted.has(short));
  const apart = disableTools(session, [...others, ...outside]);
  const env = { PATH: path, ...(hasProgram(path, "npm") ? NPM : {}) };
  const answer = await installHere(apart, args, { env, foreign });
  if (failed(answer)) throw installError(args, answer, formatPlatform(foreign.platform));
  const ofPython = tools.filter(({ short }) =>
    PYTHON.has(backendKind(details.get(short)?.backend ?? ""))
  );
  if (ofPython.length > 0) await exchangeWheels(ofPython, install);
}

/** The second step: tools that mise downloads itself. */
async function installDownloads(
  session: Session,
  install: ForeignInstall,
  options: { readonly args: readonly string[]; readonly details: ReadonlyMap<string, ToolDetail> },
): Promise<void> {
  const { foreign, tools, outside } = install;
  const { args, details } = options;
  const env = { MISE_ALWAYS_KEEP_INSTALL: "1" };
  const show = (line: string): void => session.context.onInstallLine?.(line);
  const complaints = new Complaints(show);
  const onLine = (line: string): void => complaints.take(line);
  const apart = disableTools(session, outside);
  const answer = await installHere(apart, args, { env, foreign, onLine });
  if (!failed(answer)) return complaints.release();
  const whole = startFailures(tools, details, answer.stderr);
  for (const tool of whole) await finishInstall(tool, foreign);
  const left = (await askTools(session)).filter(({ installed, short }) =>
    !installed && tools.some((tool) => tool.short === short)
  );
  if (whole.length === 0 || left.length > 0) {
    complaints.release();
    throw installError(args, answer, formatPlatform(foreign.platform));
  }
  const names = whole.map(({ short, version }) => `${short}@${version}`).join(", ");
  show(`mise-oci: unpacked and not started, for ${formatPlatform(foreign.platform)}: ${names}`);
}

/**
 * Installs the tools.
 *
 * @throws {MiseOciError} `tool` naming each tool that cannot be installed for the target platform
 * on this machine, `mise` or `config` if mise fails.
 */
export async function installForeign(session: Session, install: ForeignInstall): Promise<void> {
  const { foreign, tools, yes } = install;
  const details = await askBackends(session, [...new Set(tools.map(({ short }) => short))]);
  refuseHostOnly(tools, details, foreign);
  const locked = install.locked || await isLocked(tools, misePlatformName(foreign.platform));
  const args = ["install", ...(yes ? ["--yes"] : []), ...(locked ? ["--locked"] : [])];
  const hosted = new Set(
    tools.map(({ short }) => short)
      .filter((short) => HOST_PROGRAMS.has(backendKind(details.get(short)?.backend ?? ""))),
  );
  if (hosted.size > 0) await installHosted(session, install, { args, details, hosted });
  const rest = tools.filter(({ short }) => !hosted.has(short));
  if (rest.length > 0) {
    await installDownloads(session, { ...install, tools: rest }, { args, details });
  }
}
