/**
 * Typed stand-in for `jsr:@std/path/posix`, used through `links` where JSR cannot be reached: the parts
 * that are used here.
 * @module
 */
export {
  basename,
  dirname,
  isAbsolute,
  join,
  normalize,
  relative,
  resolve,
} from "./posix_paths.ts";
