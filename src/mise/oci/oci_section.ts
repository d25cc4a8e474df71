/**
 * Parses and merges the `[oci]` tables of the project (spec, section 3).
 * @module
 */
import { MiseOciError } from "../../errors.ts";
import type { OciSection } from "../../plan/project.ts";
import {
  type ConfigFile,
  describePlace,
  isTable,
  maybeTable,
  type TomlTable,
} from "../config_file.ts";
import { isOwnField, type OciTable, parseOciTable } from "./oci_fields.ts";

/** Paths of the tables in a file. */
const TABLES = [["oci"], ["_", "oci"]] as const;
/** A value that contains a template. */
export interface Template {
  /** Keys from the root of the file; list items by index. */
  readonly path: readonly string[];
  /** The text as written. */
  readonly text: string;
}

/** Whether mise would treat a text as a template. */
function isTemplate(text: string): boolean {
  return text.includes("{{") || text.includes("{%") || text.includes("{#");
}

/** Replaces each string in a value. */
function mapStrings(
  value: unknown,
  path: readonly string[],
  change: (text: string, path: readonly string[]) => string,
): unknown {
  if (typeof value === "string") return change(value, path);
  if (Array.isArray(value)) {
    return value.map((item, i) => mapStrings(item, [...path, String(i)], change));
  }
  if (!isTable(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, mapStrings(item, [...path, key], change)]),
  );
}

/** Replaces each string in `[oci]` and `[_.oci]`. */
export function mapOciStrings(
  file: ConfigFile,
  change: (text: string, path: readonly string[]) => string,
): ConfigFile {
  let table: TomlTable = file.table;
  for (const keys of TABLES) {
    const [first, second] = keys;
    const found = maybeTable(table, ...keys);
    if (found === undefined) continue;
    const changed = mapStrings(found, keys, change);
    const outer = maybeTable(table, first) ?? {};
    table = { ...table, [first]: second === undefined ? changed : { ...outer, [second]: changed } };
  }
  return { ...file, table };
}

/** The values of `[oci]` and `[_.oci]` that are templates. */
export function templatesOf(file: ConfigFile): readonly Template[] {
  const found: Template[] = [];
  mapOciStrings(file, (text, path) => {
    if (isTemplate(text)) found.push({ path, text });
    return text;
  });
  return found;
}

/** The file without values that are templates, for checks before they are rendered. */
function withoutTemplates(file: ConfigFile): ConfigFile {
  const templates = templatesOf(file);
  if (templates.length === 0) return file;
  const keys = new Set(templates.map(({ path }) => JSON.stringify(path.slice(0, 2))));
  const table = Object.fromEntries(
    Object.entries(maybeTable(file.table, "oci") ?? {}).filter(([key]) =>
      !keys.has(JSON.stringify(["oci", key]))
    ),
  );
  return { ...file, table: { ...file.table, oci: table, _: {} } };
}

/**
 * Merges two tables: fields are overridden, tables merged by key, copies and rules concatenated.
 */
function joinTables<T extends OciTable>(less: T, more: OciTable): T {
  return {
    ...less,
    ...more,
    copy: [...less.copy ?? [], ...more.copy ?? []],
    env: { ...less.env, ...more.env },
    labels: { ...less.labels, ...more.labels },
    ...((more.annotations ?? less.annotations) === undefined
      ? {}
      : { annotations: { ...less.annotations, ...more.annotations } }),
    ...joinRules(less, more),
  };
}

/** Rules add up, so that no file can cancel a signature requirement of another. */
function joinRules(a: OciTable, b: OciTable): Pick<OciTable, "verify"> {
  const rules = [...a.verify ?? [], ...b.verify ?? []];
  return rules.length === 0 ? {} : { verify: rules };
}

function parseFile(file: ConfigFile, home?: string): OciTable {
  const read = (...keys: string[]): OciTable => {
    const parent = keys.length === 1 ? file.table : maybeTable(file.table, ...keys.slice(0, -1));
    const last = keys[keys.length - 1] ?? "";
    if (parent === undefined || !Object.hasOwn(parent, last)) return {};
    const table = maybeTable(parent, last);
    if (table !== undefined) return parseOciTable(table, { file, path: keys, home });
    throw new MiseOciError(
      "config",
      `Cannot use ${JSON.stringify(keys.join("."))} in ${describePlace(file, keys)}: ` +
        "a table expected",
      { hint: `Write [${keys.join(".")}] on a line of its own, and its keys below` },
    );
  };
  // `[_.oci]` adds to `[oci]` and overrides it.
  return joinTables(read("oci"), read("_", "oci"));
}

/**
 * Parses `[oci]` and `[_.oci]` of each file, in the order of the files. A relative `host` of a copy
 * is resolved against the directory of its file, `~/` against the home.
 *
 * @param home The home directory.
 * @throws {MiseOciError} `config` naming the file, the key and, for an unknown key, the most
 * similar known one.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { parseConfigFile } from "../config_file.ts";
 * import { mergeOci, parseOciTables } from "./oci_section.ts";
 *
 * const file = parseConfigFile("/p/mise.toml", '[oci]\ntag = "app:1"\n');
 * assertEquals(mergeOci(parseOciTables([file])).tag, "app:1");
 * ```
 */
export function parseOciTables(
  files: readonly ConfigFile[],
  home?: string,
): readonly OciTable[] {
  return files.map((file) => parseFile(file, home));
}

/**
 * Merges tables, least specific first: later ones override fields, `env` and `labels` are merged by
 * key, `copy` entries concatenated. A table that sets `user_id` without `group_id` does not inherit
 * a `group_id`.
 */
export function mergeOci(tables: readonly OciTable[]): OciSection {
  let merged: OciSection = { copy: [], env: {}, labels: {}, allowEnv: [], dropEnv: [] };
  for (const table of tables) {
    const { groupId, ...inherited } = merged;
    const kept = table.userId === undefined && groupId !== undefined ? { groupId } : {};
    merged = joinTables({ ...inherited, ...kept }, table);
  }
  return merged;
}

/**
 * A better error than mise's for a config file that mise refuses because of its `[oci]`: it
 * proposes the most similar key and recognizes keys that only mise-oci supports.
 */
export function maybeOciError(file: ConfigFile, miseMessage: string): MiseOciError | undefined {
  const table = maybeTable(file.table, "oci");
  if (table === undefined) return undefined;
  try {
    parseFile(withoutTemplates(file));
  } catch (error) {
    if (error instanceof MiseOciError) return error;
    throw error;
  }
  const key = /unknown field `([^`]+)`/.exec(miseMessage)?.[1];
  if (key === undefined || !isOwnField(key) || !Object.hasOwn(table, key)) return undefined;
  return new MiseOciError(
    "config",
    `mise does not accept ${JSON.stringify(`oci.${key}`)} in ${
      describePlace(file, ["oci", key])
    }: only mise-oci knows it`,
    { hint: `Move it to a table [_.oci] of the same file; mise leaves tables below "_" alone` },
  );
}
