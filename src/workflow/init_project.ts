/**
 * `init`: writes the `[oci]` table that a project needs to its config file.
 * @module
 */
import { MANAGER_NAMES, packageManager } from "../oci/package_managers.ts";
import { DEFAULT_FROM } from "../oci/image_source.ts";
import { join } from "@std/path";
import { parse as parseToml } from "@std/toml";
import { maybeRead, replaceFile, writeWhole } from "../build/output/write_whole.ts";
import { MiseOciError } from "../errors.ts";

/** The flags of `init`, parsed. */
export interface InitRequest {
  /** Absolute directory of the project. */
  readonly directory: string;
  /** The base; default: one that matches the project's packages. */
  readonly from?: string;
  /** The image's name, if it should be written. */
  readonly tag?: string;
  /** Whether to only report what would be changed. */
  readonly check: boolean;
}

/** The result of `init`. */
export interface InitResult {
  /** Absolute path of the config file. */
  readonly file: string;
  /** Whether the file already existed. */
  readonly existed: boolean;
  /** The values that were (or would be) written, by key of `[oci]`; empty if nothing was missing. */
  readonly added: Readonly<Record<string, string>>;
}

/** The files that mise reads in a project; the one usually edited comes first. */
const CONFIG_FILES = [
  "mise.toml",
  ".mise.toml",
  "mise/config.toml",
  ".mise/config.toml",
  ".config/mise.toml",
  ".config/mise/config.toml",
];

type Table = Readonly<Record<string, unknown>>;

function tableAt(table: Table, name: string): Table {
  const value = table[name];
  return typeof value === "object" && value !== null ? value as Table : {};
}

function parseConfig(text: string, file: string): Table {
  try {
    return parseToml(text.replace(/^\ufeff/, ""));
  } catch (cause) {
    throw new MiseOciError("config", `Cannot read ${JSON.stringify(file)}: it is not valid TOML`, {
      hint: "Correct the file: mise config ls shows the line",
      cause,
    });
  }
}

/** The project's existing config files, with their texts. */
async function readConfigs(
  directory: string,
): Promise<readonly { readonly file: string; readonly text: string }[]> {
  const found = [];
  for (const name of CONFIG_FILES) {
    const file = join(directory, name);
    const text = await maybeRead(file);
    if (text !== undefined) found.push({ file, text });
  }
  return found;
}

/** The base that matches the packages of a project. */
function fittingBase(tables: readonly Table[]): string {
  const packages = tables.flatMap((table) =>
    Object.keys(tableAt(tableAt(table, "bootstrap"), "packages"))
  );
  const [only, ...others] = MANAGER_NAMES.filter((manager) =>
    packages.some((name) => name.startsWith(`${manager}:`))
  );
  return only === undefined || others.length > 0 ? DEFAULT_FROM : packageManager(only).base;
}

/**
 * Adds keys to `[oci]` and keeps everything else. The result is parsed and compared, to ensure that.
 *
 * @throws {MiseOciError} `config` if the table has a form to which lines cannot be added.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { addToOci } from "./init_project.ts";
 *
 * const changed = addToOci("[oci] # mine\ntag = 'dev'\n", { from: "debian:12" });
 * assertEquals(changed, "[oci] # mine\nfrom = \"debian:12\"\ntag = 'dev'\n");
 * ```
 */
export function addToOci(text: string, added: Readonly<Record<string, string>>): string {
  // A byte order mark, as in fleet/toml_edit.ts.
  if (text.startsWith("\ufeff")) return `\ufeff${addToOci(text.slice(1), added)}`;
  const end = text.includes("\r\n") ? "\r\n" : "\n";
  const lines = Object.entries(added).map(([key, value]) => `${key} = ${JSON.stringify(value)}`);
  const block = [...lines, ""].join(end);
  const plain = text.replaceAll("\r", " ");
  const header = /^[ \t]*\[[ \t]*oci[ \t]*\][ \t]*(?:#.*)?$/m.exec(plain);
  // A table goes before its subtables, as is customary.
  const below = /^[ \t]*\[\[?[ \t]*oci[ \t]*\./m.exec(plain);
  let changed: string;
  if (header !== null) {
    const at = text.indexOf("\n", header.index) + 1;
    changed = at === 0 ? text + end + block : text.slice(0, at) + block + text.slice(at);
  } else if (below !== null) {
    const { index } = below;
    changed = `${text.slice(0, index)}[oci]${end}${block}${end}${text.slice(index)}`;
  } else {
    const gap = text === "" ? "" : text.endsWith("\n") ? end : end + end;
    changed = `${text}${gap}[oci]${end}${block}`;
  }
  const before = parseToml(text) as Table;
  const wanted = { ...before, oci: { ...added, ...tableAt(before, "oci") } };
  const same = (a: unknown, b: unknown): boolean => sorted(a) === sorted(b);
  try {
    if (same(parseToml(changed), wanted)) return changed;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new MiseOciError("config", "Cannot add to [oci]: it is written in one line", {
    hint: `Add there by hand: ${lines.join(", ")}`,
  });
}

/** A value as text, independent of the order of keys. */
function sorted(value: unknown): string {
  return JSON.stringify(
    value,
    (_, item) =>
      typeof item === "object" && item !== null && !Array.isArray(item) && !(item instanceof Date)
        ? Object.fromEntries(Object.entries(item).sort(([a], [b]) => a < b ? -1 : 1))
        : item,
  );
}

/**
 * Writes the missing keys of `[oci]`: `from`, and `tag` if one is given. Existing keys are kept, so a second
 * run changes nothing.
 *
 * @throws {MiseOciError} `config` for a file that cannot be read or changed.
 */
export async function initProject(request: InitRequest): Promise<InitResult> {
  const configs = await readConfigs(request.directory);
  const parsed = configs.map(({ file, text }) => ({ file, text, table: parseConfig(text, file) }));
  // An existing table is extended in place.
  const main = parsed.find(({ table }) => "oci" in table) ?? parsed[0];
  const file = main?.file ?? join(request.directory, "mise.toml");
  const has = (key: string): boolean => parsed.some(({ table }) => key in tableAt(table, "oci"));
  const { from = fittingBase(parsed.map(({ table }) => table)), tag } = request;
  const added = {
    ...(has("from") ? {} : { from }),
    ...(tag === undefined || has("tag") ? {} : { tag }),
  };
  const result = { file, existed: main !== undefined, added };
  if (request.check || Object.keys(added).length === 0) return result;
  if (main === undefined) {
    // A new file gets an empty [tools] table, for tools to be added later.
    await writeWhole(file, () => Promise.resolve(addToOci("[tools]\n", added)));
  } else {
    await replaceFile(file, addToOci(main.text, added));
  }
  return result;
}
