/**
 * What is known of mise's backends without asking it.
 * @module
 */
import { basename, dirname, isAbsolute, join } from "@std/path";
import { expandHome, homeDirectory } from "../home.ts";
import type { Plugin, Tool } from "../plan/project.ts";
import type { ListedTool, ToolDetail } from "./answers.ts";

/** mise's own backends that a tool's name may say, known without asking mise. */
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
/** Tools that mise mostly installs itself. */
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
/** The backend of asdf's plugins: their install scripts may write anywhere. */
export const ASDF = "asdf";

/** What to do about a tool that cannot be had for a platform. */
export const FOREIGN_HINT =
  "Build on a machine of that platform and push with --update-index, or run " +
  "mise-oci in a container of that platform; docs/platforms.md says which backends work";

/** The kind of backend: `npm` of `npm:prettier`. */
export function backendKind(backend: string): string {
  return /^([^:[]+):/.exec(backend)?.[1] ?? backend;
}

/** Whether a name says its backend itself (`npm:prettier`), and it is one of mise's own. */
function namesBackend(short: string): boolean {
  const backend = /^([a-z0-9]+):[^[\]]+$/.exec(short)?.[1];
  return backend !== undefined && NAMED_BACKENDS.has(backend);
}

/** The directories where mise may keep its plugins, the likeliest first. */
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
 * The plugin that a tool is of: of vfox and asdf it is named as the tool's own directory, otherwise the
 * backend names it. `undefined` for mise's own backends, and for plugins that are part of mise's executable.
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
      // It is not there.
    }
  }
  return undefined;
}

/** Backend and version order of tools, as far as their names say them. */
export interface KnownDetails {
  /** By name. */
  readonly details: Map<string, ToolDetail>;
  /** Names of the tools that only mise knows more of. */
  readonly open: readonly string[];
}

/**
 * Backend and version order of each tool by its name. Open is what does not say its backend, and what has
 * several versions, which have an order.
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
