/**
 * What can be said about mise's backends without calling mise.
 * @module
 */
import { basename, dirname, isAbsolute, join } from "@std/path";
import { expandHome, homeDirectory } from "../home.ts";
import type { Plugin, Tool } from "../plan/project.ts";
import type { ListedTool, ToolDetail } from "./answers.ts";

/** mise's built-in backends that can prefix a tool's name. */
const NAMED_BACKENDS: ReadonlySet<string> = new Set([
  "aqua",
  "cargo",
  "conda",
  "core",
  "dotnet",
  "forgejo",
  "gem",
  "github",
  "gitlab",
  "go",
  "http",
  "npm",
  "pipx",
  "pypi",
  "s3",
  "spm",
  "ubi",
]);
/** Tools that mise usually installs with its core backend. */
export const CORE_TOOLS: ReadonlySet<string> = new Set([
  "bun",
  "deno",
  "elixir",
  "erlang",
  "go",
  "java",
  "node",
  "python",
  "ruby",
  "rust",
  "swift",
  "zig",
]);
/** The backend of asdf plugins, whose install scripts may write anywhere. */
export const ASDF = "asdf";

/** Hint for a tool that cannot be installed for a platform. */
export const FOREIGN_HINT =
  "Build on a machine of that platform and push with --update-index, or run " +
  "mise-oci in a container of that platform; docs/platforms.md says which backends work";

/** The kind of a backend: `npm` of `npm:prettier`. */
export function backendKind(backend: string): string {
  return /^([^:[]+):/.exec(backend)?.[1] ?? backend;
}

/** Whether a name includes one of mise's built-in backends: `npm:prettier`. */
function namesBackend(short: string): boolean {
  const backend = /^([a-z0-9]+):[^[\]]+$/.exec(short)?.[1];
  return backend !== undefined && NAMED_BACKENDS.has(backend);
}

/** Possible directories of mise's plugins, the most likely first. */
export function pluginDirectories(
  env: (name: string) => string | undefined,
  installPath?: string,
): readonly string[] {
  const home = homeDirectory(env);
  const ofHome = (path: string | undefined): readonly string[] =>
    path === undefined || path === "" ? [] : [expandHome(path, home)];
  const data = installPath === undefined ? [] : [dirname(dirname(dirname(installPath)))];
  const share = env("XDG_DATA_HOME") || (home === undefined ? undefined : `${home}/.local/share`);
  const standard = share === undefined ? [] : [join(share, "mise")];
  return [
    ...ofHome(env("MISE_PLUGINS_DIR")),
    ...[...data, ...ofHome(env("MISE_DATA_DIR")), ...standard].map((path) => join(path, "plugins")),
  ].filter(isAbsolute);
}

/**
 * The plugin of a tool. A vfox or asdf plugin has the name of the tool's directory, others the name
 * of the backend. `undefined` for built-in backends and for plugins embedded in mise.
 */
export function maybePlugin(
  { backend, installPath }: Pick<Tool, "backend" | "installPath">,
  env: (name: string) => string | undefined,
): Plugin | undefined {
  const kind = backendKind(backend);
  if (NAMED_BACKENDS.has(kind)) return undefined;
  const name = kind === "vfox" || kind === ASDF ? basename(dirname(installPath)) : kind;
  for (const directory of pluginDirectories(env, installPath)) {
    try {
      const hostPath = Deno.realPathSync(join(directory, name));
      if (Deno.statSync(hostPath).isDirectory) return { name, hostPath };
    } catch (error) {
      if (error instanceof Deno.errors.NotCapable) throw error;
      // Not in this directory.
    }
  }
  return undefined;
}

/** Backends and version order of tools, as far as their names determine them. */
export interface KnownDetails {
  /** Details by name. */
  readonly details: Map<string, ToolDetail>;
  /** Names of the tools that mise must be queried for. */
  readonly open: readonly string[];
}

/**
 * Derives backend and version order from each tool's name. Open are names without a backend, and
 * tools with several versions, whose order matters.
 */
export function knownDetails(tools: readonly ListedTool[]): KnownDetails {
  const details = new Map<string, ToolDetail>();
  const open = new Set<string>();
  for (const { short, version } of tools) {
    if (namesBackend(short) && !details.has(short)) {
      details.set(short, { backend: short, versions: [version] });
    } else open.add(short);
  }
  return { details, open: [...open] };
}
