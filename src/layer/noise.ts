/**
 * What is left out of a tool's layer, or put back as it was, because it differs from one install to the
 * next though the tool is the same, and is of no use in an image (docs/layers.md, "Noise").
 * @module
 */
import * as posix from "@std/path/posix";

/** Notes that package managers keep for themselves beside what they installed. */
const MANAGER_STATE = new RegExp(
  "(?:^|/)node_modules/(?:\\.package-lock\\.json|\\.modules\\.yaml|\\.yarn-integrity|" +
    "\\.yarn-state\\.yml|\\.pnpm-workspace-state[^/]*\\.json)$|" +
    "(?:^|/)\\.npm/(?:_cacache|_logs|_update-notifier-last-checked)$",
);

const DOT = 0x2e;
const UNDERSCORE = 0x5f;

/**
 * Whether a path below a tool's tree is noise. Asked of a directory before what is in it.
 *
 * @param root Absolute host directory of the tree, links followed.
 */
export function noiseFilter(root: string): (path: string) => boolean {
  // mise unpacks an archive that several tools share beside a file about when it did so.
  const shared = posix.basename(posix.dirname(root)) === "http-tarballs";
  return (path) => {
    if (shared && path === "metadata.json") return true;
    // Most names begin otherwise, and a tree has thousands.
    const first = path.charCodeAt(path.lastIndexOf("/") + 1);
    if ((first === DOT || first === UNDERSCORE) && MANAGER_STATE.test(path)) return true;
    if (path.endsWith("/__pycache__")) return isStaleCache(`${root}/${path}`);
    return path.endsWith(".pyc") && path.includes("__pycache__/") && isStale(`${root}/${path}`);
  };
}

/** Whether a `__pycache__` has nothing but bytecode that Python will not use in the image. */
function isStaleCache(directory: string): boolean {
  let names: string[];
  try {
    names = Array.from(Deno.readDirSync(directory), ({ name }) => name);
  } catch {
    // The walk meets the same and says so.
    return false;
  }
  return names.length > 0 &&
    names.every((name) => name.endsWith(".pyc") && isStale(`${directory}/${name}`));
}

/**
 * Whether bytecode is held against the time of its source (PEP 552): file times in a layer are 0, so Python
 * would compile again and not use it. Bytecode that is held against the source's content, or against
 * nothing, is good in an image.
 */
function isStale(path: string): boolean {
  const head = new Uint8Array(8);
  try {
    using file = Deno.openSync(path);
    if (file.readSync(head) !== head.length) return false;
  } catch {
    return false;
  }
  // Magic numbers of Python 3 end in "\r\n"; bit 0 of the flags says that there is a hash.
  return head[2] === 0x0d && head[3] === 0x0a && ((head[4] ?? 0) & 1) === 0;
}

/** Where a release of node has npm, and what its `bin/npm` links to. */
const NPM = "lib/node_modules/npm/bin/npm-cli.js";
/** More than mise's wrapper of npm has. */
const WRAPPER_LIMIT = 16 << 10;

/**
 * What `bin/npm` of a node links to where mise has put a wrapper in its place: a script of bash that runs
 * `mise reshim` after `npm install --global`. In an image there is nothing to reshim and perhaps no
 * bash; mise writes it only where it can start that node, and not the same one with every version.
 *
 * @param root Absolute host directory of the tree, links followed.
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
    // Whoever packs the file meets the same and says so.
    return undefined;
  }
}
