/**
 * What is left out of a layer: paths that match the project's globs, and for tools, files that differ
 * between installs of the same tool and are useless in an image (docs/layers.md, "Noise").
 * @module
 */
import * as posix from "@std/path/posix";
import { globToRegExp } from "@std/path/posix/glob-to-regexp";
import type { LayerEntry } from "../entry.ts";
import { isBytecode, maybeSource } from "../relocate/python_files.ts";

/**
 * State that package managers keep next to installed packages: npm, yarn and pnpm, then aube (mise's
 * default, which then names its directory `.mise-state`) and bun.
 */
const MANAGER_STATE = new RegExp(
  "(?:^|/)node_modules/(?:\\.package-lock\\.json|\\.modules\\.yaml|\\.yarn-integrity|" +
    "\\.yarn-state\\.yml|\\.pnpm-workspace-state[^/]*\\.json|\\.(?:mise|aube)-state|" +
    "\\.(?:mise|aube)-lock\\.yaml|\\.pnpm/lock\\.yaml|\\.bun-tag[^/]*)$|" +
    "(?:^|/)\\.npm/(?:_cacache|_logs|_update-notifier-last-checked)$|" +
    "(?:^|/)\\.yarn/install-state\\.gz$",
);

const DOT = 0x2e;
const UNDERSCORE = 0x5f;

/**
 * Returns whether a path below a tool's tree is noise; called for directories before their contents.
 *
 * @param root Absolute host directory of the tree, links resolved.
 */
export function noiseFilter(root: string): (path: string) => boolean {
  // mise unpacks shared archives next to a file that contains the time.
  const shared = posix.basename(posix.dirname(root)) === "http-tarballs";
  return (path) => {
    if (shared && path === "metadata.json") return true;
    // Fast check, since most names start differently and a tree has thousands.
    const slash = path.lastIndexOf("/");
    const mayBeState = path.charCodeAt(slash + 1) === DOT || isBelowDot(path, slash);
    return mayBeState && MANAGER_STATE.test(path);
  };
}

/** Whether a file is in a directory whose name begins with a dot or an underscore. */
function isBelowDot(path: string, slash: number): boolean {
  const first = path.charCodeAt(path.lastIndexOf("/", slash - 1) + 1);
  return slash > 0 && (first === DOT || first === UNDERSCORE);
}

/** The path of npm in a release of node, to which its `bin/npm` links. */
const NPM = "lib/node_modules/npm/bin/npm-cli.js";
/** More than the size of mise's wrapper of npm. */
const WRAPPER_LIMIT = 16 << 10;

/**
 * The original target of node's `bin/npm` link, if mise has replaced it by a wrapper: a bash script that
 * runs `mise reshim` after `npm install --global`. An image has nothing to reshim and maybe no bash; also,
 * the wrapper depends on mise's version and is missing if mise cannot run that node.
 *
 * @param root Absolute host directory of the tree, links resolved.
 * @param path Path of a regular file below it.
 * @returns the link's target, `undefined` for any other file.
 */
export function maybeWrappedNpm(root: string, path: string): string | undefined {
  if (path !== "bin/npm") return undefined;
  try {
    if (!Deno.statSync(`${root}/${NPM}`).isFile) return undefined;
    if (Deno.lstatSync(`${root}/${path}`).size > WRAPPER_LIMIT) return undefined;
    const text = Deno.readTextFileSync(`${root}/${path}`);
    return /^#!.*\bbash\n/.test(text) && text.includes("mise reshim") ? `../${NPM}` : undefined;
  } catch {
    // Packing the file reports the error.
    return undefined;
  }
}

/**
 * Removes bytecode in `__pycache__` whose source is not in the layer, which Python never reads, and
 * directories that become empty.
 */
export function withoutOrphans(entries: LayerEntry[]): LayerEntry[] {
  const bytecode = entries.filter(({ path }) => isBytecode(path) && path.includes("__pycache__/"));
  if (bytecode.length === 0) return entries;
  const sources = new Set(entries.flatMap(({ path }) => path.endsWith(".py") ? path : []));
  const orphans = new Set(
    bytecode.filter(({ path }) => !sources.has(maybeSource(path) ?? "")).map(({ path }) => path),
  );
  if (orphans.size === 0) return entries;
  const kept = entries.filter(({ path }) => !orphans.has(path));
  const caches = new Set([...orphans].map((path) => path.slice(0, path.lastIndexOf("/"))));
  for (const { path } of kept) caches.delete(path.slice(0, path.lastIndexOf("/")));
  return kept.filter(({ path }) => !caches.has(path));
}

/**
 * Compiles globs of excluded paths. As in mise and git, a glob with a slash is matched against the whole
 * path (`lib/*.a`, `./build`, `**`+`/test`), one without a slash against names at every depth (`*.map`).
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { excluder } from "./exclude.ts";
 *
 * const excluded = excluder(["*.map", "lib/*.a", "/docs/"]);
 * const paths = ["x.map", "a/b/x.map", "lib/z.a", "a/lib/z.a", "docs", "a/docs"];
 * assertEquals(paths.filter(excluded), ["x.map", "a/b/x.map", "lib/z.a", "docs"]);
 * ```
 */
export function excluder(globs: readonly string[]): (path: string) => boolean {
  const names: RegExp[] = [];
  const paths: RegExp[] = [];
  for (const glob of globs) {
    const plain = glob.replace(/\/+$/, "");
    if (plain.includes("/")) paths.push(globToRegExp(plain.replace(/^(?:\.?\/)+/, "")));
    else names.push(globToRegExp(plain));
  }
  return (path) =>
    paths.some((pattern) => pattern.test(path)) ||
    (names.length > 0 &&
      names.some((pattern) => pattern.test(path.slice(path.lastIndexOf("/") + 1))));
}
