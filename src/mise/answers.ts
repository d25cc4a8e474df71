/**
 * Types of mise's JSON output. Every field is checked, because mise may be another version or a
 * wrapper script.
 * @module
 */
import { resolve } from "@std/path";
import { describeError, MiseOciError } from "../errors.ts";
import { expandHome } from "../home.ts";
import {
  asArray,
  asObject,
  asString,
  asStrings,
  type JsonObject,
  maybe,
  parseJson,
  transportPrefix,
} from "../oci/mod.ts";
import type { MiseSettings } from "../plan/project.ts";
import { describeCall, MAX_ANSWER_BYTES } from "./command.ts";

/** One row of `mise ls --current --json`. */
export interface ListedTool {
  /** mise's short name. */
  readonly short: string;
  /** Resolved version; empty if the config file requests the empty string. */
  readonly version: string;
  /** Requested version in the config file. */
  readonly requested?: string;
  /** Absolute directory of the install. */
  readonly installPath: string;
  /** Whether it is installed. */
  readonly installed: boolean;
  /** Config file that requests it. */
  readonly source?: string;
  /** Environment variable that requests it instead. */
  readonly override?: string;
  /** Whether only tasks request it. */
  readonly ofTask?: true;
}

/** One variable of `mise env --json-extended`. */
export interface ListedVariable {
  /** Name. */
  readonly name: string;
  /** Value; may be a secret. */
  readonly value: string;
  /** File that sets it. */
  readonly source?: string;
  /** Tool that sets it. */
  readonly tool?: string;
}

/** One row of `mise config ls --json`: a config file, or a file read by `[env]`. */
export interface ListedConfig {
  /** Absolute path. */
  readonly path: string;
  /** Short names of its tools, in file order. */
  readonly tools: readonly string[];
}

/** The output of `mise tool NAME --json`. */
export interface ToolDetail {
  /** Full backend: `core:node`, `npm:prettier`, `aqua:jqlang/jq`. */
  readonly backend: string;
  /** Its versions, in the order of the config. */
  readonly versions: readonly string[];
  /** Options of the tool, as the config and mise's registry set them; absent if mise was not asked. */
  readonly options?: JsonObject;
}

/** Where mise ran, for expanding `~` and relative paths in its output. */
export interface AnswerPlace {
  /** The home directory, which mise writes as `~`. */
  readonly home?: string | undefined;
  /** Absolute directory in which mise ran. */
  readonly directory: string;
}

/** Parses a field; `place` is where mise ran. */
export type AnswerParser<T> = (value: unknown, what: string, place: AnswerPlace) => T;

/**
 * Parses the JSON output of a call.
 *
 * @throws {MiseOciError} `mise` naming the call, if the output is not as expected.
 */
export function parseAnswer<T>(
  { args, parse }: { readonly args: readonly string[]; readonly parse: AnswerParser<T> },
  source: Uint8Array,
  place: AnswerPlace,
): T {
  const what = `the answer of ${describeCall(args)}`;
  try {
    return parse(parseJson(source, { what, maxBytes: MAX_ANSWER_BYTES }), what, place);
  } catch (cause) {
    if (!(cause instanceof MiseOciError)) throw cause;
    throw new MiseOciError("mise", describeError(cause), {
      hint: "Check that it is a real mise, and up to date: run mise version",
      cause,
    });
  }
}

/** Makes a path of the output absolute, without `.` and `..`. */
export function absolutePath(path: string, { home, directory }: AnswerPlace): string {
  return resolve(directory, expandHome(path, home));
}

function nonEmpty(value: unknown, what: string): string {
  const text = asString(value, what);
  if (text !== "") return text;
  throw new MiseOciError("invalid", `Cannot parse ${what}: empty`);
}

function maybeText(value: unknown, what: string): string | undefined {
  const text = maybe(value, what, asString);
  return text === "" ? undefined : text;
}

function listedTool(
  short: string,
  value: unknown,
  { what, place }: { readonly what: string; readonly place: AnswerPlace },
): ListedTool {
  const row = asObject(value, what);
  const source = maybe(row["source"], `${what}.source`, asObject);
  const path = maybeText(source?.["path"], `${what}.source.path`);
  const override = source?.["type"] === "environment"
    ? maybeText(source["key"], `${what}.source.key`)
    : undefined;
  const requested = maybeText(row["requested_version"], `${what}.requested_version`);
  return {
    short,
    version: asString(row["version"], `${what}.version`),
    installPath: absolutePath(nonEmpty(row["install_path"], `${what}.install_path`), place),
    installed: row["installed"] === true,
    ...(requested === undefined ? {} : { requested }),
    ...(path === undefined ? {} : { source: absolutePath(path, place) }),
    ...(override === undefined ? {} : { override }),
  };
}

/** Parses `mise ls --current --json`. */
export function parseTools(
  value: unknown,
  what: string,
  place: AnswerPlace,
): readonly ListedTool[] {
  return Object.entries(asObject(value, what)).flatMap(([short, rows]) =>
    asArray(rows, `${what}[${JSON.stringify(short)}]`).map((row, i) =>
      listedTool(short, row, { what: `${what}[${JSON.stringify(short)}][${i}]`, place })
    )
  );
}

/** Parses `mise env --json-extended`. Errors never contain a value. */
export function parseVariables(
  value: unknown,
  what: string,
  place: AnswerPlace,
): readonly ListedVariable[] {
  return Object.entries(asObject(value, what)).map(([name, entry]) => {
    const field = `${what}[${JSON.stringify(name)}]`;
    const object = asObject(entry, field);
    const source = maybeText(object["source"], `${field}.source`);
    const tool = maybeText(object["tool"], `${field}.tool`);
    return {
      name,
      value: asString(object["value"], `${field}.value`),
      ...(source === undefined || source === "unknown_source"
        ? {}
        : { source: absolutePath(source, place) }),
      ...(tool === undefined ? {} : { tool }),
    };
  });
}

/** Parses an object of which only the keys matter: `mise env --redacted --json`. */
export function parseNames(value: unknown, what: string): ReadonlySet<string> {
  return new Set(Object.keys(asObject(value, what)));
}

/** Parses `mise config ls --json`. */
export function parseConfigs(
  value: unknown,
  what: string,
  place: AnswerPlace,
): readonly ListedConfig[] {
  return asArray(value, what).map((row, i) => {
    const object = asObject(row, `${what}[${i}]`);
    return {
      path: absolutePath(nonEmpty(object["path"], `${what}[${i}].path`), place),
      tools: maybe(object["tools"], `${what}[${i}].tools`, asStrings) ?? [],
    };
  });
}

/** Parses `mise tool NAME --json`. */
export function parseTool(value: unknown, what: string): ToolDetail {
  const object = asObject(value, what);
  return {
    backend: nonEmpty(object["backend"], `${what}.backend`),
    versions: maybe(object["active_versions"], `${what}.active_versions`, asStrings) ?? [],
    options: maybe(object["tool_options"], `${what}.tool_options`, asObject) ?? {},
  };
}

/** Expands `~/` in the path of a base: `oci:~/base`. */
function expandSource(text: string, home: string | undefined): string {
  const prefix = transportPrefix(text);
  return prefix === "" ? text : `${prefix}${expandHome(text.slice(prefix.length), home)}`;
}

/**
 * Parses `mise settings --all --json`, which includes the environment; settings without a default
 * may be absent.
 */
export function parseSettings(
  value: unknown,
  what: string,
  { home }: Pick<AnswerPlace, "home"> = {},
): MiseSettings {
  const settings = asObject(value, what);
  const oci: JsonObject = maybe(settings["oci"], `${what}.oci`, asObject) ?? {};
  const from = maybeText(oci["default_from"], `${what}.oci.default_from`);
  const layout = maybeText(settings["install_layout"], `${what}.install_layout`);
  const mountPoint = maybeText(oci["default_mount_point"], `${what}.oci.default_mount_point`);
  return {
    ...(from === undefined ? {} : { defaultFrom: expandSource(from, home) }),
    ...(mountPoint === undefined ? {} : { defaultMountPoint: mountPoint }),
    ...(layout === undefined ? {} : { installLayout: layout }),
    insecureRegistries: maybe(
      oci["insecure_registries"],
      `${what}.oci.insecure_registries`,
      asStrings,
    ) ?? [],
    ...parseNetworkSettings(settings, what),
  };
}

/** The settings for network access: URL replacements and offline mode. */
function parseNetworkSettings(
  settings: JsonObject,
  what: string,
): Pick<MiseSettings, "offline" | "urlReplacements"> {
  const replacements = maybe(settings["url_replacements"], `${what}.url_replacements`, asObject);
  return {
    ...(settings["offline"] === true ? { offline: true } : {}),
    ...(replacements === undefined ? {} : {
      urlReplacements: Object.entries(replacements).map(([from, to]) =>
        [from, asString(to, `${what}.url_replacements.${from}`)] as const
      ),
    }),
  };
}

/** Parses `mise version --json`: `2026.9.15`. */
export function parseVersion(value: unknown, what: string): string {
  const text = asString(asObject(value, what)["version"], `${what}.version`);
  const version = /^v?(\d+\.\d+\.\d+(?:[-+.][\w.]+)?)/.exec(text)?.[1];
  if (version !== undefined) return version;
  throw new MiseOciError(
    "invalid",
    `Cannot parse ${what}: ${JSON.stringify(text)} is not a version`,
  );
}

/** Parses the lines of `mise bin-paths`, made absolute. */
export function parsePaths(source: Uint8Array, place: AnswerPlace): readonly string[] {
  return parseLines(source).map((line) => absolutePath(line, place));
}

/** The non-empty lines of an output. */
export function parseLines(source: Uint8Array): readonly string[] {
  return new TextDecoder().decode(source).split(/\r?\n/).filter((line) => line !== "");
}
