/**
 * Typed stand-in for `jsr:@std/path/posix`, used through `links` where JSR cannot be reached: what
 * `node:path` has comes from there, see `mod.ts`.
 * @module
 */
import path from "node:path/posix";
import * as glob from "npm:deno-std@1.4.0/path/posix/glob_to_regexp.js";

/** The parts of a path, as {@linkcode parse} gives them. */
export interface ParsedPath {
  /** Root, such as `/`. */
  root: string;
  /** Directory. */
  dir: string;
  /** File name with extension. */
  base: string;
  /** Extension with its dot. */
  ext: string;
  /** File name without extension. */
  name: string;
}
type Path = {
  basename(path: string, suffix?: string): string;
  dirname(path: string): string;
  extname(path: string): string;
  isAbsolute(path: string): boolean;
  join(path: string, ...paths: string[]): string;
  normalize(path: string): string;
  parse(path: string): ParsedPath;
  relative(from: string, to: string): string;
  resolve(...paths: string[]): string;
};
const impl: Path = path;

/** Last part of a path. */
export const basename: Path["basename"] = impl.basename;
/** Everything but the last part of a path. */
export const dirname: Path["dirname"] = impl.dirname;
/** Extension with its dot. */
export const extname: Path["extname"] = impl.extname;
/** Whether a path is absolute. */
export const isAbsolute: Path["isAbsolute"] = impl.isAbsolute;
/** Joins and normalises paths. */
export const join: Path["join"] = impl.join;
/** Removes `.`, `..` and double separators. */
export const normalize: Path["normalize"] = impl.normalize;
/** Splits a path into its parts. */
export const parse: Path["parse"] = impl.parse;
/** Relative path from one place to another. */
export const relative: Path["relative"] = impl.relative;
/** Absolute path of a sequence of parts. */
export const resolve: Path["resolve"] = impl.resolve;
/** Regular expression of a glob. */
export const globToRegExp: (
  glob: string,
  options?: { extended?: boolean; globstar?: boolean },
) => RegExp = (glob as unknown as { globToRegExp: typeof globToRegExp }).globToRegExp;
/** The platform's path separator. */
export const SEPARATOR: string = path.sep;
