/**
 * The schemas of what `--json` prints, in docs/json, with a validator that is not ours.
 * @module
 */
import { Ajv2020 } from "npm:ajv@8.20.0/dist/2020.js";
import { join } from "@std/path";
import { REPOSITORY } from "./testbed/paths.ts";

/** A JSON document that is looked through. */
type Json = Readonly<Record<string, unknown>>;

/** The schema with every object closed: what is printed and not in a schema is not documented. */
function close(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(close);
  if (typeof value !== "object" || value === null) return value;
  const inside = Object.fromEntries(
    Object.entries(value as Json).map(([key, one]) => [key, close(one)]),
  );
  return "properties" in inside && inside["type"] === "object"
    ? { additionalProperties: false, ...inside }
    : inside;
}

/** Validates what commands print against their schemas. */
export interface JsonSchemas {
  /** Names of the schemas: `build`, `tag-ls`, … */
  readonly names: readonly string[];
  /** What is wrong with a value, by the schema of a command; empty if nothing is. */
  problems(name: string, value: unknown): readonly string[];
}

/** Reads the schemas. @throws {Error} if one is no valid schema. */
export async function readJsonSchemas(): Promise<JsonSchemas> {
  const directory = join(REPOSITORY, "docs/json");
  const ajv = new Ajv2020({
    allErrors: true,
    strict: true,
    allowUnionTypes: true,
    strictRequired: false,
  });
  const names = [...Deno.readDirSync(directory)].map(({ name }) => name.replace(/\.json$/, ""))
    .sort();
  for (const name of names) {
    const schema = JSON.parse(await Deno.readTextFile(join(directory, `${name}.json`)));
    if (schema.$id !== `${name}.json`) throw new Error(`docs/json/${name}.json has another $id`);
    ajv.addSchema(close(schema) as Json);
  }
  return {
    names,
    problems: (name, value) => {
      const validate = ajv.getSchema(`${name}.json`);
      if (validate === undefined) return [`docs/json has no ${name}.json`];
      if (validate(value) === true) return [];
      return (validate.errors ?? []).map(({ instancePath, message, params }) =>
        `${instancePath} ${message} ${JSON.stringify(params)}`
      );
    },
  };
}
