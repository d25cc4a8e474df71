/**
 * Absolute paths with `/` between their parts, of this machine or of an image.
 * @module
 */

/**
 * Whether a path is a directory or below it, by whole components.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { isWithin } from "./paths.ts";
 *
 * assert(isWithin("/a/b", "/a"));
 * assert(!isWithin("/ab", "/a"));
 * ```
 */
export function isWithin(path: string, directory: string): boolean {
  return path === directory ||
    path.startsWith(directory.endsWith("/") ? directory : `${directory}/`);
}
