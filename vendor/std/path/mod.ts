/**
 * Typed stand-in for `jsr:@std/path`, used through `links` where JSR cannot be reached: the parts that
 * are used here. The npm mirror of the package is 90 modules, 12 ms of every start, and `node:path`
 * takes 14; so paths of Unix are made here, and Windows's by `node:path`.
 * @module
 */
import * as posix from "./posix_paths.ts";

type Node = {
  getBuiltinModule(name: "path"): Omit<typeof posix, "fromFileUrl">;
  getBuiltinModule(name: "url"): { fileURLToPath: typeof posix.fromFileUrl };
};

/** The same of Windows, got without an import, which every start would pay for. */
function ofWindows(): typeof posix {
  const { process } = globalThis as unknown as { process: Node };
  const { fileURLToPath } = process.getBuiltinModule("url");
  return { ...process.getBuiltinModule("path"), fromFileUrl: fileURLToPath };
}

const windows = Deno.build.os === "windows";
const impl: typeof posix = windows ? ofWindows() : posix;

/** Last part of a path. */
export const basename: typeof posix.basename = impl.basename;
/** Everything but the last part of a path. */
export const dirname: typeof posix.dirname = impl.dirname;
/** Path of a `file:` URL. */
export const fromFileUrl: typeof posix.fromFileUrl = impl.fromFileUrl;
/** Whether a path is absolute. */
export const isAbsolute: typeof posix.isAbsolute = impl.isAbsolute;
/** Joins and normalises paths. */
export const join: typeof posix.join = impl.join;
/** Removes `.`, `..` and double separators. */
export const normalize: typeof posix.normalize = impl.normalize;
/** Relative path from one place to another. */
export const relative: typeof posix.relative = impl.relative;
/** Absolute path of a sequence of parts. */
export const resolve: typeof posix.resolve = impl.resolve;
/** The platform's path separator. */
export const SEPARATOR: string = windows ? "\\" : "/";
/** What separates the directories of `PATH`. */
export const DELIMITER: string = windows ? ";" : ":";
