/**
 * What is made once for each checkout and kept below the testbed by what decides it: a change of the code
 * that makes it makes it anew.
 * @module
 */
import { createHash } from "node:crypto";
import { join } from "@std/path";
import { removeTree } from "../testbed/command.ts";
import { cached } from "../testbed/lock.ts";
import { TESTBED } from "../testbed/paths.ts";

const SOURCES = ["bases.ts", "built_programs.ts", "corpus.ts", "npm_programs.ts"];

async function hashSources(): Promise<string> {
  const hash = createHash("sha256");
  for (const name of SOURCES) {
    hash.update(await Deno.readTextFile(new URL(name, import.meta.url)));
  }
  return hash.digest("hex").slice(0, 12);
}

const HASH = hashSources();

/** The directory of this name, made by `make` if it is not there; what older code made goes. */
export async function kept(
  name: string,
  make: (directory: string) => Promise<void>,
): Promise<string> {
  const own = `${name}-${await HASH}`;
  return await cached(`preflight/${own}`, async (directory) => {
    const parent = join(TESTBED, "preflight");
    for (const entry of [...Deno.readDirSync(parent)]) {
      const [, stem, hash] = /^(.*)-([0-9a-f]{12})(?:\.partial)?$/.exec(entry.name) ?? [];
      const isOld = stem === name && `${stem}-${hash}` !== own;
      if (isOld) await removeTree(join(parent, entry.name));
    }
    await make(directory);
  });
}
