/**
 * The program as a few files: what an executable starts with is read at once, the rest when a command
 * needs it. Three hundred modules cost an executable half as much again as an empty program takes to
 * start (docs/decisions/executable.md).
 * @module
 */
import { basename, join } from "@std/path";
import type { Built } from "../../src/cli/program.ts";
import { WORKERS } from "./modules.ts";

/** Where a bundle is made, and by what. */
export interface BundleOptions {
  /** Absolute path of the repository. */
  readonly repository: string;
  /** Absolute path of the directory for the bundle; it need not exist. */
  readonly directory: string;
  /** What `--version` says of the sources, if it says anything. */
  readonly built?: Built;
  /** Runs `deno` in the repository. */
  readonly deno: (args: readonly string[]) => Promise<unknown>;
}

/** The file in the bundle that starts the program. */
const ENTRY = "main.js";

/** Files of a bundle in the order in which the entry leads to them. */
function inOrder(files: ReadonlyMap<string, string>): readonly string[] {
  const order = new Set([ENTRY]);
  for (const name of order) {
    for (const [, next = ""] of (files.get(name) ?? "").matchAll(/"\.\/([^"\n]+\.js)"/g)) {
      if (files.has(next)) order.add(next);
    }
  }
  return [...order];
}

/** A text without the machine's directory of npm's packages, which comments name. */
function withoutDirectories(text: string): string {
  return text.replaceAll(/^\/\/ \S*\/npm\/[^/\s]+\/(?=\S+$)/gm, "// npm:");
}

/**
 * Takes out of a bundle what depends on the machine: the directory of npm's packages, which comments
 * name, and which therefore is in the hashes in the names of files.
 *
 * @param files texts by name; the entry is `main.js`.
 * @returns the same files, numbered.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { withoutMachine } from "./bundle.ts";
 *
 * const files = new Map([
 *   ["main.js", 'await import("./help-ABCDEFGH.js");\n'],
 *   ["help-ABCDEFGH.js", "// ../home/me/deno/npm/registry.example/x/1.0.0/mod.js\n"],
 * ]);
 * assertEquals([...withoutMachine(files)], [
 *   ["main.js", 'await import("./help-1.js");\n'],
 *   ["help-1.js", "// npm:x/1.0.0/mod.js\n"],
 * ]);
 * ```
 */
export function withoutMachine(files: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const order = inOrder(files);
  const names = new Map(order.map((name, at) => [name, name.replace(/-\w{8}\.js$/, `-${at}.js`)]));
  return new Map(order.map((name) => {
    const text = withoutDirectories(files.get(name) ?? "").replaceAll(
      /"\.\/([^"\n]+\.js)"/g,
      (all, file) => names.has(file) ? `"./${names.get(file)}"` : all,
    );
    return [names.get(name) ?? name, text];
  }));
}

async function readFiles(directory: string): Promise<ReadonlyMap<string, string>> {
  const files = new Map<string, string>();
  for await (const { name } of Deno.readDir(directory)) {
    files.set(name, await Deno.readTextFile(join(directory, name)));
  }
  return files;
}

/**
 * Bundles the program and its workers.
 *
 * @returns names of files in the directory: the one to start, and those that no literal import leads to.
 * @throws {Error} if `deno bundle` fails.
 */
export async function bundleProgram(
  { repository, directory, deno, built }: BundleOptions,
): Promise<{ readonly entry: string; readonly include: readonly string[] }> {
  const raw = `${directory}.raw`;
  const flags = ["--quiet", "--platform", "deno"];
  await deno([
    "bundle",
    ...flags,
    "--code-splitting",
    "--outdir",
    raw,
    join(repository, "main.ts"),
  ]);
  await Deno.mkdir(directory, { recursive: true });
  for (const [name, text] of withoutMachine(await readFiles(raw))) {
    const stamped = built === undefined
      ? text
      : text.replaceAll("globalThis.MISE_OCI_BUILT", JSON.stringify(built));
    await Deno.writeTextFile(join(directory, name), stamped);
  }
  await Deno.remove(raw, { recursive: true });
  // All code is in one directory: what starts a worker finds it beside itself, by its name in the sources.
  const include = WORKERS.map((worker) => basename(worker));
  for (const [at, worker] of WORKERS.entries()) {
    const output = join(directory, include[at] ?? "");
    await deno(["bundle", ...flags, "--output", output, join(repository, worker)]);
    await Deno.writeTextFile(output, withoutDirectories(await Deno.readTextFile(output)));
  }
  // An executable records the times of what is in it.
  for await (const { name } of Deno.readDir(directory)) {
    await Deno.utime(join(directory, name), 0, 0);
  }
  return { entry: ENTRY, include };
}
