/**
 * Typed stand-in for `jsr:@std/path/posix/glob-to-regexp`, used through `links` where JSR cannot be
 * reached. The code is the npm mirror of the same package; few commands need it.
 * @module
 */
import * as glob from "npm:deno-std@1.4.0/path/posix/glob_to_regexp.js";

/** Regular expression of a glob. */
export const globToRegExp: (
  glob: string,
  options?: { extended?: boolean; globstar?: boolean },
) => RegExp = (glob as unknown as { globToRegExp: typeof globToRegExp }).globToRegExp;
