/**
 * `--all`: the projects below a directory.
 * @module
 */
import { join, relative } from "@std/path";
import { parse } from "@std/toml";
import { MiseOciError } from "../errors.ts";
import { configFiles } from "../mise/config_places.ts";

/** Directories that hold other people's projects, or none. */
const SKIPPED = /^(?:\..*|node_modules)$/;

/** Whether a config file describes an image: it has `[oci]` or `[_.oci]`. */
async function describesImage(path: string): Promise<boolean> {
  if (!path.endsWith(".toml")) return false;
  try {
    const { oci, _: own } = parse(await Deno.readTextFile(path));
    return oci !== undefined || typeof own === "object" && own !== null && "oci" in own;
  } catch {
    // mise names the mistake when the project is built.
    return true;
  }
}

async function isProject(directory: string): Promise<boolean> {
  for (const path of configFiles(directory)) if (await describesImage(path)) return true;
  return false;
}

async function* walk(directory: string, signal: AbortSignal): AsyncGenerator<string> {
  signal.throwIfAborted();
  if (await isProject(directory)) yield directory;
  const names: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(directory)) {
    if (isDirectory && !SKIPPED.test(name)) names.push(name);
  }
  for (const name of names.sort()) yield* walk(join(directory, name), signal);
}

/**
 * Finds the directories of `root`, itself included, whose own mise config has an `[oci]` or `[_.oci]` section.
 * Hidden directories, `node_modules` and links are skipped.
 *
 * @param root absolute.
 * @returns paths relative to `root`, sorted; `""` is `root`.
 * @throws {MiseOciError} `not-found` if there is none.
 */
export async function findProjects(root: string, signal: AbortSignal): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const directory of walk(root, signal)) found.push(relative(root, directory));
  if (found.length > 0) return found;
  throw new MiseOciError(
    "not-found",
    `Cannot find a project in or below "${root}": no mise config there has an [oci] section`,
    { hint: "Add [oci] to the mise.toml of each project, or name their directories with -C" },
  );
}
