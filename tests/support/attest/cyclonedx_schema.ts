/**
 * The published schema of CycloneDX 1.6, from the package that its makers publish.
 * @module
 */
import { join } from "@std/path";
import { Ajv, type ErrorObject } from "npm:ajv@8.20.0";
import { cached } from "../testbed/kept.ts";
import { run } from "../testbed/command.ts";

const PACKAGE = "@cyclonedx/cyclonedx-library@10.3.0";
const FILES = [
  "bom-1.6.SNAPSHOT.schema.json",
  "spdx.SNAPSHOT.schema.json",
  "jsf-0.82.SNAPSHOT.schema.json",
] as const;

async function readSchemas(): Promise<readonly Record<string, unknown>[]> {
  const directory = await cached({ name: "cyclonedx-schema", also: PACKAGE }, async (into) => {
    const packed = await run(["npm", "pack", "--silent", "--pack-destination", into, PACKAGE]);
    const archive = join(into, packed.stdout.trim().split("\n").at(-1) ?? "");
    const members = FILES.map((name) => `package/res/schema/${name}`);
    await run([
      "tar",
      "-xzf",
      archive,
      "-C",
      into,
      "--strip-components=3",
      "--no-same-owner",
      ...members,
    ]);
    await Deno.remove(archive);
  });
  return await Promise.all(
    FILES.map(async (name) => JSON.parse(await Deno.readTextFile(join(directory, name)))),
  );
}

/** What is wrong with a document; empty if it follows the schema. */
export async function cycloneDxErrors(document: unknown): Promise<readonly ErrorObject[]> {
  const [schema = {}, ...others] = await readSchemas();
  const ajv = new Ajv({ strict: false, validateFormats: false, allErrors: true });
  // They name each other by the names of their files.
  others.forEach((other, i) =>
    ajv.addSchema({ ...other, $id: `http://cyclonedx.org/schema/${FILES[i + 1]}` })
  );
  const validate = ajv.compile(schema);
  return validate(document) ? [] : validate.errors ?? [];
}
