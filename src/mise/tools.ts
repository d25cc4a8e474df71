/**
 * The project's tools: their order and executables, and which are refused.
 * @module
 */
import { parse } from "@std/toml";
import { basename, dirname, isAbsolute, join, relative } from "@std/path";
import { MiseOciError } from "../errors.ts";
import type { BackendManifest, Tool, ToolParts } from "../plan/project.ts";
import { isWithin } from "../paths.ts";
import { looksLikeSecret, maybeSecretKind } from "../secrets.ts";
import type { ListedConfig, ListedTool, ListedVariable, ToolDetail } from "./answers.ts";
import { askBackends, readConfigFile, type Session } from "./ask.ts";
import { ASDF, backendKind, knownDetails, maybePlugin } from "./backends.ts";
import { isTable, maybeTable } from "./config_file.ts";
import { type LinkedInstall, readLinkedInstall } from "./linked_installs.ts";
import { dataDirectories } from "./scope.ts";

/** Directories of the host that cannot be a single tool. */
const SYSTEM_DIRECTORIES: ReadonlySet<string> = new Set(["/usr/local", "/usr/lib", "/usr/bin"]);

/** A tool that is refused, and why. */
interface Refusal {
  readonly name: string;
  readonly why: string;
}

function refuse(refusals: readonly Refusal[], hint: string): void {
  if (refusals.length === 0) return;
  const list = refusals.map(({ name, why }) => `${JSON.stringify(name)} (${why})`).join(", ");
  throw new MiseOciError(
    "tool",
    `Cannot put ${refusals.length === 1 ? "a tool" : "tools"} in an image: ${list}`,
    { hint },
  );
}

/** Sorts tools as mise orders PATH: config files most specific first, tools in file order. */
function sortTools(
  tools: readonly ListedTool[],
  configs: readonly ListedConfig[],
  details: ReadonlyMap<string, ToolDetail>,
): readonly ListedTool[] {
  const ranks = new Map<string, number>();
  let rank = 0;
  for (const config of configs) {
    for (const short of config.tools) {
      const key = `${config.path}\0${short}`;
      if (!ranks.has(key)) ranks.set(key, rank++);
    }
  }
  const rankOf = (tool: ListedTool): number => ranks.get(`${tool.source}\0${tool.short}`) ?? rank;
  const versionOf = (tool: ListedTool): number =>
    details.get(tool.short)?.versions.indexOf(tool.version) ?? 0;
  return [...tools].sort((a, b) =>
    rankOf(a) - rankOf(b) ||
    (a.short < b.short ? -1 : a.short > b.short ? 1 : versionOf(a) - versionOf(b))
  );
}

/**
 * Backend and version order of each tool: from its name, from earlier queries, or from a new query.
 */
async function readDetails(
  session: Session,
  tools: readonly ListedTool[],
  asked: ReadonlyMap<string, ToolDetail>,
): Promise<ReadonlyMap<string, ToolDetail>> {
  const { details, open } = knownDetails(tools);
  const missing = open.filter((short) => !asked.has(short));
  const answers = await askBackends(session, missing);
  for (const short of open) {
    const detail = asked.get(short) ?? answers.get(short);
    if (detail !== undefined) details.set(short, detail);
  }
  return details;
}

/** Whether a config file gives a tool options besides its version. */
async function hasOptions(session: Session, { source, short }: ListedTool): Promise<boolean> {
  if (source === undefined || !source.endsWith(".toml")) return false;
  const { table } = await readConfigFile(session, source);
  const entry = maybeTable(table, "tools")?.[short];
  return [entry].flat().some((one) =>
    isTable(one) && Object.keys(one).some((key) => key !== "version")
  );
}

/**
 * Adds the options of tools that are not installed. Their layers may be reused, and nothing on this machine
 * records the options yet; without them mise in the image would not find the executables.
 */
async function withOptions(
  session: Session,
  tools: readonly ListedTool[],
  details: ReadonlyMap<string, ToolDetail>,
): Promise<ReadonlyMap<string, ToolDetail>> {
  const unknown = tools.filter(({ installed, short }) =>
    !installed && details.get(short)?.options === undefined
  );
  const open = await Promise.all(
    unknown.map(async (tool) => await hasOptions(session, tool) ? [tool.short] : []),
  );
  const answers = await askBackends(session, [...new Set(open.flat())]);
  return new Map([...details].map(([short, detail]) => {
    const options = answers.get(short)?.options;
    return [short, options === undefined ? detail : { ...detail, options }];
  }));
}

/** Refuses tools of asdf plugins unless allowed by name, and tools with an unknown backend. */
function refusePlugins(
  tools: readonly ListedTool[],
  details: ReadonlyMap<string, ToolDetail>,
  allowed: ReadonlySet<string>,
): void {
  const refusals = tools.flatMap(({ short, installPath }): Refusal[] => {
    const backend = details.get(short)?.backend ?? "";
    if (backend !== "" && backendKind(backend) !== ASDF) return [];
    const plugin = basename(dirname(installPath));
    if (backend !== "" && (allowed.has(short) || allowed.has(plugin))) return [];
    return [{ name: short, why: backend || "unknown backend" }];
  });
  const unique = [...new Map(refusals.map((refusal) => [refusal.name, refusal])).values()];
  const name = JSON.stringify(unique[0]?.name);
  refuse(
    unique,
    "asdf plugins may write outside their version directory, so no layer holds all of them; use another " +
      `backend of the tool ("mise registry NAME" lists them), accept the plugin with allow_plugins = [${name}] ` +
      `under [_.oci], or leave the tool out with --without ${unique[0]?.name}`,
  );
}

function refusePaths(tools: readonly ListedTool[]): void {
  refuse(
    tools.filter((tool) => /^path:/.test(tool.requested ?? tool.version))
      .map((tool) => ({ name: tool.short, why: tool.requested ?? tool.version })),
    'A "path:" version has no place of its own in an image; give it one with ' +
      '"mise link NAME@VERSION DIRECTORY" and ask for that version',
  );
}

/** Why a directory cannot be the install of one tool, if so. */
function maybeUnsafe(path: string, session: Session): string | undefined {
  if (!isAbsolute(path)) return `its install path ${JSON.stringify(path)} is not absolute`;
  const trimmed = path.length > 1 ? path.replace(/\/+$/, "") : path;
  const home = session.context.env("HOME");
  const shown = `its install path is ${JSON.stringify(path)}`;
  if (dirname(trimmed) === trimmed || dirname(trimmed) === "/") return shown;
  if (trimmed.split("/").some((part) => part === "..")) return shown;
  if (SYSTEM_DIRECTORIES.has(trimmed)) return shown;
  if (home !== undefined && home !== "" && isWithin(home, trimmed)) {
    return `${shown}, above the home`;
  }
  if (isWithin(session.directory, trimmed)) return `${shown}, above the project`;
  return undefined;
}

/**
 * The install path with its links resolved; unchanged if it does not exist, `undefined` for a link
 * to itself.
 */
async function maybeRealInstall(tool: ListedTool): Promise<string | undefined> {
  try {
    return await Deno.realPath(tool.installPath);
  } catch (error) {
    return error instanceof Deno.errors.FilesystemLoop ? undefined : tool.installPath;
  }
}

/**
 * Why the target of a linked install is not the tool's own: it contains the link itself, as mise's
 * data directory, its installs and a tool's versions directory do.
 */
async function maybeForeign(
  { installPath }: ListedTool,
  real: string,
): Promise<string | undefined> {
  if (real === installPath) {
    const isLink = await Deno.lstat(real).then((info) => info.isSymlink, () => false);
    return isLink ? "its install path is a link that leads nowhere" : undefined;
  }
  const parent = await Deno.realPath(dirname(installPath)).catch(() => dirname(installPath));
  if (!isWithin(parent, real)) return undefined;
  return `its install path is a link to ${JSON.stringify(real)}, which holds other tools of mise`;
}

/** A tool's directories of executables, on the host and relative to its install, links resolved. */
async function binsOf(
  tool: ListedTool,
  real: string,
  binPaths: readonly string[],
): Promise<{ readonly binPaths: readonly string[]; readonly binDirs: readonly string[] }> {
  const own = binPaths.filter((path) => isWithin(path, tool.installPath) || isWithin(path, real));
  const directories = await Promise.all(own.map(async (path) => {
    const resolved = await Deno.realPath(path).catch(() => path);
    for (const [directory, root] of [[resolved, real], [path, tool.installPath]] as const) {
      if (isWithin(directory, root)) return relative(root, directory);
    }
    return undefined;
  }));
  const binDirs = directories.filter((directory) => directory !== undefined);
  return { binPaths: own, binDirs: [...new Set(binDirs)] };
}

/**
 * An install path with `MISE_DATA_DIR` as spelled by the user, if that is absolute and not
 * normalized.
 */
function maybeWritten(
  installPath: string,
  { directory, context }: Session,
): string | undefined {
  for (const [name, plain] of Object.entries(dataDirectories(directory, context))) {
    const written = context.env(name) ?? "";
    if (!isAbsolute(written) || !isWithin(installPath, plain)) continue;
    return written + installPath.slice(plain.length);
  }
  return undefined;
}

/** Size limit of mise's manifest files, in bytes. */
const MAX_MANIFEST_BYTES = 64 * 1024;

/** Whether options contain credentials: a URL with a password, a token, an authorization header. */
function holdsCredentials(text: string): boolean {
  return /:\/\/[^/\s"]*@/.test(text) || /authorization|cookie/i.test(text) ||
    maybeSecretKind(text) !== undefined;
}

/** Options without those that contain credentials, such as a URL with a password. */
function publicOptions(opts: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const entries = Object.entries(opts).filter(([name, value]) =>
    !looksLikeSecret(name) && !holdsCredentials(JSON.stringify(value) ?? "")
  );
  return Object.fromEntries(entries);
}

/**
 * Removes the options of a backend if they contain credentials, such as
 * `http:a[url=https://me:secret@host/a]` in an alias, because the backend is written into images.
 */
function publicBackend(backend: string): string {
  return holdsCredentials(backend) ? backend.replace(/\[.*\]$/s, "") : backend;
}

/** The manifest that mise keeps beside a tool's versions; `undefined` if it cannot be read. */
async function maybeBackendManifest(installPath: string): Promise<BackendManifest | undefined> {
  try {
    const text = await Deno.readTextFile(join(dirname(installPath), ".mise.backend.toml"));
    if (text.length > MAX_MANIFEST_BYTES) return undefined;
    const { full, opts } = parse(text);
    if (typeof full !== "string") return undefined;
    return { full, ...(isTable(opts) ? { opts: publicOptions(opts) } : {}) };
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw error;
    // Optional: the plan generates the file from the tool itself.
    return undefined;
  }
}

/** Options that only matter during an installation: mise does not record them beside the versions. */
const INSTALL_OPTIONS: ReadonlySet<string> = new Set([
  "depends",
  "install_before",
  "install_env",
  "lazy",
  "lazy_bins",
  "minimum_release_age",
  "os",
  "postinstall",
]);

/** What mise would keep beside the versions of a tool if it installed it, in mise's order: tables last. */
function expectedManifest({ backend, options = {} }: ToolDetail): BackendManifest | undefined {
  const isLast = (value: unknown): boolean =>
    isTable(value) || Array.isArray(value) && value.some(isTable);
  const entries = Object.entries(publicOptions(options))
    .filter(([name, value]) => value !== null && !INSTALL_OPTIONS.has(name))
    .sort(([a, one], [b, other]) =>
      Number(isLast(one)) - Number(isLast(other)) || (a < b ? -1 : 1)
    );
  const full = publicBackend(backend);
  return entries.length === 0 ? undefined : { full, opts: Object.fromEntries(entries) };
}

async function toTool(
  listed: ListedTool,
  real: string,
  known: {
    readonly detail: ToolDetail | undefined;
    readonly binPaths: readonly string[];
    readonly parts: ToolParts | undefined;
    readonly session: Session;
  },
): Promise<Tool> {
  const written = maybeWritten(listed.installPath, known.session);
  const { short, version, installPath, installed, source, requested, ofTask } = listed;
  const { detail } = known;
  const backendManifest = installed
    ? await maybeBackendManifest(installPath)
    : detail && expectedManifest(detail);
  const backend = publicBackend(detail?.backend ?? "");
  const plugin = maybePlugin({ backend, installPath }, known.session.context.env);
  return {
    short,
    backend,
    version,
    installPath,
    installDir: `${basename(dirname(installPath))}/${basename(installPath)}`,
    installed,
    ...await binsOf(listed, real, known.binPaths),
    ...(installed ? { realInstallPath: real } : {}),
    ...(written === undefined ? {} : { writtenPath: written }),
    ...(backendManifest === undefined ? {} : { backendManifest }),
    ...(known.parts === undefined ? {} : { parts: known.parts }),
    ...(plugin === undefined ? {} : { plugin }),
    ...(source === undefined ? {} : { source }),
    ...(requested === undefined ? {} : { requested }),
    ...(ofTask === undefined ? {} : { ofTask }),
  };
}

/** Why a linked install cannot be in an image, if so. */
function whyNot(linked: LinkedInstall): string | undefined {
  return linked !== undefined && "why" in linked ? linked.why : undefined;
}

/** Input of {@linkcode readTools}. */
export interface ToolsInput {
  /** The tools in scope. */
  readonly tools: readonly ListedTool[];
  /** Config files, most specific first. */
  readonly configs: readonly ListedConfig[];
  /** Directories of executables, in PATH order. */
  readonly binPaths: readonly string[];
  /** Details of tools that mise was already queried for. */
  readonly details: ReadonlyMap<string, ToolDetail>;
  /** The environment listed by mise. */
  readonly variables?: readonly ListedVariable[];
  /** Names of asdf plugins to accept. */
  readonly allowPlugins?: readonly string[] | undefined;
}

/**
 * The tools of the project in mise's order (the order of PATH). `system` tools are left out with a
 * warning, because the image uses its base's.
 *
 * @throws {MiseOciError} `tool` naming every tool that cannot be a layer, and a remedy.
 */
export async function readTools(session: Session, input: ToolsInput): Promise<readonly Tool[]> {
  const isSystem = (tool: ListedTool): boolean => tool.version === "system";
  for (const tool of input.tools.filter(isSystem)) {
    session.context.warn(
      `Tool ${
        JSON.stringify(tool.short)
      } is the system's own: the image has it only if its base has`,
    );
  }
  const listed = input.tools.filter((tool) => !isSystem(tool));
  refusePaths(listed);
  const details = await withOptions(
    session,
    listed,
    await readDetails(session, listed, input.details),
  );
  refusePlugins(listed, details, new Set(input.allowPlugins));
  const sorted = sortTools(listed, input.configs, details);
  const reals = await Promise.all(sorted.map(maybeRealInstall));
  const linked = sorted.map((tool, i): LinkedInstall =>
    readLinkedInstall({
      tool,
      backend: details.get(tool.short)?.backend ?? "",
      real: reals[i] ?? tool.installPath,
      tools: sorted,
      variables: input.variables ?? [],
    }, session)
  );
  const refusals = (await Promise.all(sorted.map(async (tool, i): Promise<Refusal[]> => {
    const real = reals[i];
    const why = maybeUnsafe(tool.installPath, session) ??
      (real === undefined
        ? `its install path ${JSON.stringify(tool.installPath)} is a link that leads to itself`
        : maybeUnsafe(real, session) ?? await maybeForeign(tool, real) ?? whyNot(linked[i]));
    return why === undefined ? [] : [{ name: `${tool.short}@${tool.version}`, why }];
  }))).flat();
  refuse(refusals, "An install must be a directory of its own; install the tool again with mise");
  const unique = new Map(
    sorted.map((tool, i) => [tool.installPath, { tool, real: reals[i], linked: linked[i] }]),
  );
  return await Promise.all(
    [...unique.values()].map(({ tool, real, linked }) =>
      toTool(tool, real ?? tool.installPath, {
        detail: details.get(tool.short),
        binPaths: input.binPaths,
        parts: linked !== undefined && "parts" in linked ? linked.parts : undefined,
        session,
      })
    ),
  );
}
