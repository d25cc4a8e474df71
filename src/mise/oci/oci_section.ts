/**
 * The `[oci]` tables of the project, parsed and merged (spec, section 3).
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

/** Where the tables are in a file. */
const TABLES = [["oci"], ["_", "oci"]] as const;
/** A value with a template. */
export interface Template {
  /** Keys from the root of the file; of a list, its index. */
  readonly path: readonly string[];
  /** As it is written. */
  readonly text: string;
}

/** Whether a text is a template to mise. */
function isTemplate(text: string): boolean {
  return text.includes("{{") || text.includes("{%") || text.includes("{#");
}

/** A value with each string replaced. */
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

/** The file with each string of `[oci]` and `[_.oci]` replaced. */
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

/** The file without the values that are templates: what can be said of it before they are rendered. */
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

/** A table and one that wins over it: field by field, tables key by key; copies and rules add up. */
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

/** No file takes back what another one demands of a base. */
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
  // `[_.oci]` adds to `[oci]` and wins over it.
  return joinTables(read("oci"), read("_", "oci"));
}

/**
 * What each file says under `[oci]` and `[_.oci]`, in the order of the files. A relative `host` of a
 * copy is resolved against the directory of its file, `~/` is the home.
 *
 * @param home The home directory.
 * @throws {MiseOciError} `config` naming the file, the key and, for an unknown one, the nearest known.
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
 * Merges tables, least specific first: later ones win field by field, `env` and `labels` key by key,
 * `copy` entries add up. A table that sets `user_id` without `group_id` does not inherit a `group_id`.
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
 * A better message than mise's for a config file that mise refuses because of its `[oci]`: ours names
 * the nearest key, and knows the keys that only mise-oci has.
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
