/**
 * Parses config files of the project, for what mise does not print (`[oci]`,
 * `[bootstrap.packages]`).
 * @module
 */
import { parse } from "@std/toml";
import { describeError, MiseOciError } from "../errors.ts";

/** Size limit of a config file, in bytes. */
const MAX_CONFIG_BYTES = 4 * 1024 * 1024;

/** A TOML table. */
export type TomlTable = { readonly [key: string]: unknown };

/** A config file. */
export interface ConfigFile {
  /** Absolute path. */
  readonly path: string;
  /** Its text, for finding the line of a key. */
  readonly text: string;
  /** Its tables; empty for files that are not TOML (`.tool-versions`, `.nvmrc`). */
  readonly table: TomlTable;
}

/** Whether a value is a table. */
export function isTable(value: unknown): value is TomlTable {
  return typeof value === "object" && value !== null && !Array.isArray(value) &&
    !(value instanceof Date);
}

/** The table at a path of keys, if it exists; own properties only. */
export function maybeTable(table: TomlTable, ...keys: readonly string[]): TomlTable | undefined {
  let current: unknown = table;
  for (const key of keys) {
    if (!isTable(current) || !Object.hasOwn(current, key)) return undefined;
    current = current[key];
  }
  return isTable(current) ? current : undefined;
}

/**
 * Parses the text of a config file.
 *
 * @param toml The same content in TOML 1.0, if `text` is in a later version.
 * @throws {MiseOciError} `config` naming the file and, if known, the line; its cause is a
 * `SyntaxError`.
 */
export function parseConfigFile(path: string, text: string, toml: string = text): ConfigFile {
  if (!path.endsWith(".toml")) return { path, text, table: {} };
  try {
    return { path, text, table: parse(toml.replace(/^\ufeff/, "")) };
  } catch (cause) {
    if (!(cause instanceof Error)) throw cause;
    const line = /line (\d+)/.exec(cause.message)?.[1];
    const where = line === undefined ? path : `${path}:${line}`;
    throw new MiseOciError(
      "config",
      `Cannot parse config file ${JSON.stringify(where)}: ${cause.message.split("\n")[0]}`,
      { hint: "Correct the TOML of the file", cause },
    );
  }
}

/**
 * Reads the text of a config file.
 *
 * @throws {MiseOciError} `config` if it is not UTF-8 or longer than 4 MiB, `io` if it cannot be read.
 */
export async function readConfigText(path: string): Promise<string> {
  const fail = (why: string, cause?: unknown): never => {
    throw new MiseOciError("config", `Cannot read config file ${JSON.stringify(path)}: ${why}`, {
      hint: "Correct or remove the file",
      cause,
    });
  };
  try {
    const { size } = await Deno.stat(path);
    if (size > MAX_CONFIG_BYTES) fail(`${size} bytes, at most ${MAX_CONFIG_BYTES} are read`);
    const bytes = await Deno.readFile(path);
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    if (error instanceof MiseOciError) throw error;
    if (error instanceof TypeError) return fail("not UTF-8", error);
    throw new MiseOciError(
      "io",
      `Cannot read config file ${JSON.stringify(path)}: ${describeError(error)}`,
      { cause: error },
    );
  }
}

function unquote(key: string): string {
  return key.trim().replace(/^(["'])(.*)\1$/, "$2");
}

/**
 * The line, from 1, that sets a key of a table: a `[table]` header followed by `key =`, or the
 * dotted key. Keys inside inline tables are not found.
 */
export function maybeLine(file: ConfigFile, path: readonly string[]): number | undefined {
  const wanted = path.join(".");
  let prefix = "";
  for (const [index, line] of file.text.split(/\r?\n/).entries()) {
    const header = /^\s*\[\[?([^\]]+)\]\]?/.exec(line)?.[1];
    if (header !== undefined) {
      prefix = `${header.split(".").map(unquote).join(".")}.`;
      if (prefix === `${wanted}.`) return index + 1;
      continue;
    }
    const key = /^\s*("[^"]*"|'[^']*'|[\w.\- ]+?)\s*=/.exec(line)?.[1];
    if (key !== undefined && prefix + unquote(key) === wanted) return index + 1;
  }
  return undefined;
}

/** `file:line` of a key for messages, or the file alone. */
export function describePlace(file: ConfigFile, path: readonly string[]): string {
  const line = maybeLine(file, path);
  return JSON.stringify(line === undefined ? file.path : `${file.path}:${line}`);
}
