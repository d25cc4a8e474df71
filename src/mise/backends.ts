/**
 * What is known of mise's backends without asking it.
 * @module
 */
import type { ListedTool, ToolDetail } from "./answers.ts";

/** Backends whose installs stay in their version directory, known without asking mise. */
export const SAFE_BACKENDS: ReadonlySet<string> = new Set([
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
/** Backends of plugins: their install scripts may write anywhere. */
export const PLUGIN_BACKENDS: ReadonlySet<string> = new Set(["asdf", "vfox"]);

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
  return backend !== undefined && SAFE_BACKENDS.has(backend);
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
