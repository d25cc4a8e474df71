/**
 * Changes one string of a TOML document and keeps everything else: comments, order, quotes and line ends.
 * @module
 */
import { parse as parseToml } from "@std/toml";
import { type AST, parseTOML } from "npm:toml-eslint-parser@1.0.3";
import { MiseOciError } from "../errors.ts";

/** The path of a value: the names of its tables and its key, `["oci", "from"]`. */
export type TomlPath = readonly string[];

/** The position of a string in a document. */
interface Place {
  readonly range: readonly [start: number, end: number];
  readonly style: "basic" | "literal";
}

function samePath(a: TomlPath, b: TomlPath): boolean {
  return a.length === b.length && a.every((name, i) => name === b[i]);
}

/** The parts of a key: bare, quoted, or dotted. */
function namesOf({ keys }: AST.TOMLKey): TomlPath {
  return keys.map((key) => key.type === "TOMLBare" ? key.name : key.value);
}

/** Finds the string at a path below a table, in any notation. */
function maybePlace(
  body: readonly (AST.TOMLKeyValue | AST.TOMLTable)[],
  at: TomlPath,
  wanted: TomlPath,
): Place | undefined {
  for (const node of body) {
    const isTable = node.type === "TOMLTable";
    if (isTable && node.kind === "array") continue;
    const path = [...at, ...namesOf(node.key)];
    if (isTable) {
      const found = maybePlace(node.body, path, wanted);
      if (found !== undefined) return found;
      continue;
    }
    const { value } = node;
    if (value.type === "TOMLInlineTable") {
      const found = maybePlace(value.body, path, wanted);
      if (found !== undefined) return found;
    } else if (
      value.type === "TOMLValue" && value.kind === "string" && samePath(path, wanted)
    ) {
      return { range: value.range, style: value.style };
    }
  }
  return undefined;
}

/** The value at a path of a parsed document. */
function valueAt(table: unknown, path: TomlPath): unknown {
  return path.reduce<unknown>(
    (value, name) =>
      typeof value === "object" && value !== null && Object.hasOwn(value, name)
        ? (value as Record<string, unknown>)[name]
        : undefined,
    table,
  );
}

/** A byte order mark, written by editors on Windows and ignored by mise. */
const MARK = /^\ufeff/;

/** The string at a path, if any. @throws {SyntaxError} if the text is not TOML. */
export function maybeTomlString(text: string, path: TomlPath): string | undefined {
  const value = valueAt(parseToml(text.replace(MARK, "")), path);
  return typeof value === "string" ? value : undefined;
}

/** The document with the value at a path changed, as JSON for comparison. */
function withValue(text: string, path: TomlPath, value: string): string {
  const set = (table: unknown, [name = "", ...rest]: TomlPath): unknown => ({
    ...table as object,
    [name]: rest.length === 0 ? value : set((table as Record<string, unknown>)[name], rest),
  });
  return JSON.stringify(set(parseToml(text), path));
}

/**
 * Replaces the string at a path. The result is parsed and compared, to ensure that nothing else changed.
 *
 * @throws {MiseOciError} `config` if there is no string at the path.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { setTomlString } from "./toml_edit.ts";
 *
 * const text = "[oci]\nfrom = 'debian'  # slim enough\n";
 * const changed = setTomlString(text, ["oci", "from"], "debian:12");
 * assertEquals(changed, "[oci]\nfrom = 'debian:12'  # slim enough\n");
 * ```
 */
export function setTomlString(text: string, path: TomlPath, value: string): string {
  const mark = MARK.exec(text)?.[0];
  if (mark !== undefined) return mark + setTomlString(text.slice(mark.length), path, value);
  const place = maybePlace(parseTOML(text).body[0].body, [], path);
  if (place !== undefined) {
    const plain = place.style === "literal" && !value.includes("'");
    const written = plain ? `'${value}'` : JSON.stringify(value);
    const changed = text.slice(0, place.range[0]) + written + text.slice(place.range[1]);
    if (JSON.stringify(parseToml(changed)) === withValue(text, path, value)) return changed;
  }
  throw new MiseOciError("config", `Cannot change ${JSON.stringify(path.join("."))}: no string`, {
    hint: `Write ${JSON.stringify(value)} there by hand`,
  });
}
