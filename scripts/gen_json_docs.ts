/**
 * Writes the tables of docs/json.md from the schemas in docs/json; with `--check` only says whether they are up to
 * date.
 * @module
 */
import { join } from "@std/path";
import { REPOSITORY } from "../tests/support/testbed/paths.ts";

/** What these documents use of JSON Schema. */
interface Schema {
  readonly title?: string;
  readonly description?: string;
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, Schema>>;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
}

/** A row of a table: a field and what it is. */
type Row = readonly [field: string, text: string];

const DOCUMENT = join(REPOSITORY, "docs/json.md");
/** What stands between the text and the tables. */
const MARK = "<!-- Made by scripts/gen_json_docs.ts from docs/json; do not edit below. -->";
/** Errors, then the commands. */
const NAMES =
  ("error build push load rebase pin bundle outdated generate check inspect diff sbom sign verify init " +
    "doctor tag-ls cache-ls cache-df cache-prune cache-path completion version").split(" ");
/** What others refer to, and commands that print what another prints. */
const WITHOUT_SECTION = ["common", "copy", "tag-rm"];
for (const { name } of Deno.readDirSync(join(REPOSITORY, "docs/json"))) {
  if (![...NAMES, ...WITHOUT_SECTION].includes(name.replace(/\.json$/, ""))) {
    throw new Error(`docs/json/${name} has no place in docs/json.md: add it to NAMES`);
  }
}

async function readSchema(name: string): Promise<Schema> {
  return JSON.parse(await Deno.readTextFile(join(REPOSITORY, "docs/json", name)));
}

const common = await readSchema("common.json");

/** The fields below one, unless its own line says what is there. */
function rowsOf(schema: Schema, path: string): readonly Row[] {
  const shared = /^common\.json#\/\$defs\/(\w+)$/.exec(schema.$ref ?? "")?.[1];
  const { description = undefined } = schema;
  const whole = shared === undefined ? schema : common.$defs?.[shared] ?? {};
  const isList = whole.items !== undefined;
  if (description !== undefined) {
    return [[`\`${path}${isList ? "[]" : ""}\``, description]];
  }
  const inside = whole.items ?? whole;
  return Object.entries(inside.properties ?? {}).filter(([name]) => name !== "warnings").flatMap((
    [name, property],
  ) => rowsOf(property, `${path}${isList ? "[]" : ""}${path === "" ? "" : "."}${name}`));
}

/** A table as `deno fmt` leaves it. */
function table(rows: readonly Row[]): readonly string[] {
  const all: readonly Row[] = [["field", ""], ...rows];
  const widths = [0, 1].map((at) => Math.max(3, ...all.map((row) => [...row[at] ?? ""].length)));
  const line = (cells: readonly string[], fill = " "): string =>
    `| ${cells.map((cell, at) => cell.padEnd(widths[at] ?? 0, fill)).join(" | ")} |`;
  return [line(all[0] ?? []), line(["", ""], "-"), ...rows.map((row) => line(row))];
}

function section(name: string, whole: Schema): readonly string[] {
  const titled = Object.values(whole.$defs ?? [whole]).filter(({ title }) => title !== undefined);
  return titled.flatMap(({ title = "", description, ...schema }, at) => [
    "",
    `## ${title}`,
    ...(description === undefined ? [] : ["", description]),
    "",
    ...table(rowsOf(schema, "")),
    ...(at === 0 ? ["", `Schema: [docs/json/${name}.json](json/${name}.json).`] : []),
  ]);
}

const sections = await Promise.all(
  NAMES.map(async (name) => section(name, await readSchema(`${name}.json`))),
);
const text = await Deno.readTextFile(DOCUMENT);
const [before] = text.split(MARK);
const wanted = `${before}${MARK}\n${sections.flat().join("\n")}\n`;
if (Deno.args.includes("--check")) {
  if (text !== wanted) {
    // deno-lint-ignore no-console
    console.error("docs/json.md is out of date: deno run -A scripts/gen_json_docs.ts");
    Deno.exit(1);
  }
} else await Deno.writeTextFile(DOCUMENT, wanted);
