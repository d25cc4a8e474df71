/**
 * Looks for what the image takes from the host besides the tools, before anything is built.
 * @module
 */
import { basename } from "@std/path";
import { describeError, MiseOciError } from "../errors.ts";
import { parseDockerignore } from "../layer/dockerignore.ts";
import type { Copy, Project } from "../plan/mod.ts";

const MISSING = "no such file or directory";

/** Why something cannot be copied, `undefined` if it can. */
async function maybeProblem(
  path: string,
  { image, directory }: { readonly image: string; readonly directory: boolean },
): Promise<string | undefined> {
  let info: Deno.FileInfo;
  try {
    info = await Deno.stat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return MISSING;
    if (error instanceof Deno.errors.NotCapable) throw error;
    return describeError(error);
  }
  if (!info.isFile && !info.isDirectory) return "neither a file nor a directory";
  if (directory && !info.isDirectory) {
    return `it is a file and the image path ends with "/": write ${
      JSON.stringify(`${image}/${basename(path)}`)
    } instead`;
  }
  return undefined;
}

/**
 * Checks that everything that is copied into the image is there.
 *
 * @throws {MiseOciError} `not-found` naming each host path that is missing or of the wrong kind.
 */
export async function checkSources(
  { dotfiles = [] }: Pick<Project, "dotfiles">,
  copies: readonly Copy[],
): Promise<void> {
  const wanted = [
    ...copies.map(({ host, image, directory = false }) => ({ host, image, directory })),
    ...dotfiles.flatMap(({ hostPath, target, mode }) =>
      hostPath === undefined || mode === "template" || mode === "content" || mode === "absent"
        ? []
        : [{ host: hostPath, image: target, directory: mode === "symlink-each" }]
    ),
  ];
  const problems: string[] = [];
  let missing = false;
  for (const { host, image, directory } of wanted) {
    const problem = await maybeProblem(host, { image, directory });
    if (problem === undefined) continue;
    missing ||= problem === MISSING;
    problems.push(`Cannot copy ${JSON.stringify(host)} to ${JSON.stringify(image)}: ${problem}`);
  }
  if (problems.length === 0) return;
  throw new MiseOciError("not-found", problems.join("; "), {
    hint: missing
      ? "A relative path starts at the file that names it, that of --copy at the working directory"
      : "Copy files and directories, each under its full path in the image",
  });
}

/** More than that no `.dockerignore` has. */
const MAX_IGNORE_BYTES = 1 << 20;

/** The patterns of a directory's `.dockerignore`; `undefined` if it has none. */
async function maybeIgnore(host: string): Promise<readonly string[] | undefined> {
  const path = `${host.replace(/\/+$/, "")}/.dockerignore`;
  let text: string;
  try {
    const { isFile, size } = await Deno.stat(path);
    if (!isFile) return undefined;
    if (size > MAX_IGNORE_BYTES) throw new Error(`it has more than ${MAX_IGNORE_BYTES} bytes`);
    text = await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      return undefined;
    }
    if (error instanceof Deno.errors.NotCapable) throw error;
    // To go on without would copy what it was to keep out.
    throw new MiseOciError("io", `Cannot read ${JSON.stringify(path)}: ${describeError(error)}`, {
      cause: error,
    });
  }
  return parseDockerignore(text);
}

/** Copies with the patterns of their `.dockerignore`. */
export async function withIgnores(copies: readonly Copy[]): Promise<readonly Copy[]> {
  return await Promise.all(copies.map(async (copy) => {
    const ignore = await maybeIgnore(copy.host);
    return ignore === undefined || ignore.length === 0 ? copy : { ...copy, ignore };
  }));
}
