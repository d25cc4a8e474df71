/**
 * The files that decide what the program does.
 * @module
 */
import { join } from "@std/path";
import { REPOSITORY } from "./paths.ts";

async function* listFiles(directory: string): AsyncGenerator<string> {
  for await (const { name, isDirectory } of Deno.readDir(directory)) {
    const path = join(directory, name);
    if (isDirectory) yield* listFiles(path);
    else if (!name.endsWith("_test.ts")) yield path;
  }
}

/** Absolute paths of the program's sources, of what they import and of the configuration, sorted. */
export async function programSources(): Promise<readonly string[]> {
  const files = ["main.ts", "deno.json", "deno.lock"].map((name) => join(REPOSITORY, name));
  for (const name of ["src", "vendor"]) {
    for await (const path of listFiles(join(REPOSITORY, name))) files.push(path);
  }
  return files.sort();
}
