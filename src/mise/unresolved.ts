/**
 * Tools that mise omits because it cannot resolve their version, and unknown tables and keys. mise
 * only warns about them, so its warnings are parsed; otherwise the image would silently lack them.
 * @module
 */
import { MiseOciError } from "../errors.ts";
import { nearest } from "../suggest.ts";
import type { ListedTool } from "./answers.ts";
import { type ConfigFile, describePlace } from "./config_file.ts";

/** A tool of a config file that mise could not resolve. */
export interface UnresolvedTool {
  /** mise's short name. */
  readonly short: string;
  /** Config file that requests it. */
  readonly source: string;
  /** The variable that requests it instead: `MISE_NODE_VERSION`. */
  readonly override?: string;
  /** The request: `node@24`. */
  readonly request: string;
  /** mise's reason, one line. */
  readonly why: string;
  /** Names that mise proposes instead. */
  readonly proposals: readonly string[];
}

/** Shows mise's warnings regardless of its settings: `quiet` or a `log_level` would hide them. */
export const WARNINGS_ENV: Readonly<Record<string, string>> = {
  MISE_QUIET: "0",
  MISE_LOG_LEVEL: "warn",
};

const WARNING =
  /^mise WARN\s+Failed to resolve tool version list for (.+?): \[([^\]\n]+)\] (\S+?): (.*)$/;

/**
 * Parses mise's stderr for warnings about tools without a version.
 * Finds the warnings about tools without a version in what mise says on stderr.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { parseUnresolved } from "./unresolved.ts";
 *
 * const said = "mise WARN  Failed to resolve tool version list for noed: " +
 *   "[/p/mise.toml] noed@24: noed not found in mise tool registry\n\nDid you mean?\n  node\n";
 * const [tool] = parseUnresolved(said);
 * assertEquals(tool?.request, "noed@24");
 * assertEquals(tool?.proposals, ["node"]);
 * ```
 */
export function parseUnresolved(stderr: string): readonly UnresolvedTool[] {
  const found: (UnresolvedTool & { readonly proposals: string[] })[] = [];
  for (const line of stderr.split(/\r?\n/)) {
    const match = WARNING.exec(line);
    const last = found.at(-1);
    if (match !== null) {
      const [, short = "", source = "", request = "", why = ""] = match;
      const override = /^(MISE_\w+_VERSION)=/.exec(source)?.[1];
      found.push({
        short,
        source,
        request,
        why: why.slice(0, 300),
        proposals: [],
        ...(override === undefined ? {} : { override }),
      });
    } else if (last !== undefined && /^ {2}\S+$/.test(line)) {
      last.proposals.push(line.trim());
    }
  }
  return found;
}

/** An unknown table or key of a config file, which mise ignores. */
export interface UnknownField {
  /** The config file. */
  readonly file: string;
  /** Its path: `envv`, `settings.x`. */
  readonly field: string;
}

/** Parses mise's stderr for warnings about unknown fields, without duplicates. */
export function parseUnknownFields(stderr: string): readonly UnknownField[] {
  const found = [...stderr.matchAll(/^mise WARN\s+unknown field in (.+): (\S+)$/gm)];
  const fields = found.map(([, file = "", field = ""]) => ({ file, field }));
  return [...new Map(fields.map((one) => [`${one.file}\0${one.field}`, one])).values()];
}

/** Top-level tables and keys of a config file that affect an image. */
const TOP_LEVEL = ["tools", "env", "vars", "tasks", "oci", "bootstrap", "dotfiles", "tool_alias"];

/** Warns of each unknown field that may affect the image; unknown settings do not. */
export function describeUnknownFields(
  fields: readonly UnknownField[],
  files: readonly ConfigFile[],
): readonly string[] {
  return fields.flatMap(({ file: path, field }) => {
    const file = files.find((one) => one.path === path);
    if (file === undefined || field.startsWith("settings.")) return [];
    const near = nearest(field, TOP_LEVEL);
    const hint = near === undefined ? "" : `; did you mean ${JSON.stringify(near)}?`;
    return [
      `Unknown key ${JSON.stringify(field)} in ${
        describePlace(file, field.split("."))
      }: mise ignores it, and nothing of it is in the image${hint}`,
    ];
  });
}

/** The listed tools whose version in the config is `""`. */
export function withoutVersion(tools: readonly ListedTool[]): readonly UnresolvedTool[] {
  return tools.filter(({ version }) => version === "").map(({ short, source = "mise.toml" }) => ({
    short,
    source,
    request: short,
    why: "its version is empty",
    proposals: [],
  }));
}

function hintFor(
  tools: readonly UnresolvedTool[],
  { why, short, request }: UnresolvedTool,
): string {
  const proposed = tools.find(({ proposals }) => proposals.length > 0);
  if (proposed !== undefined) {
    return `Did you mean ${proposed.proposals.join(", ")} instead of ${proposed.short}?`;
  }
  if (/not found in mise tool registry|not a valid plugin/.test(why)) {
    return 'Correct the name in [tools]; "mise registry" lists the names that mise knows';
  }
  if (why === "its version is empty") return `Write one, such as "latest"`;
  if (/@v?\d+\.\d+(?:\.|$)/.test(request)) {
    return `It is not installed, and mise cannot look it up: run "mise install ${request}" where there is a ` +
      "network";
  }
  const exact = JSON.stringify(short);
  return `Ask for an exact version (${exact} = "1.2.3"), which needs no look-up, or check the network; ` +
    `"mise ls-remote ${short}" shows what mise finds`;
}

/**
 * Refuses to continue without tools that the project requests.
 *
 * @throws {MiseOciError} `tool` naming each one, its file and mise's reason.
 */
export function refuseUnresolved(tools: readonly UnresolvedTool[]): void {
  const [first] = tools;
  if (first === undefined) return;
  const list = tools.map(({ request, source, why }) =>
    `${JSON.stringify(request)} of ${JSON.stringify(source)} (${why})`
  );
  throw new MiseOciError("tool", `mise cannot tell the version of ${list.join(", ")}`, {
    hint: hintFor(tools, first),
  });
}
