/**
 * Globs of what is left out of a layer.
 * @module
 */
import { globToRegExp } from "@std/path/posix/glob-to-regexp";

/**
 * Whether a path below a tree is left out. A glob with a slash is held against the whole path (`lib/*.a`,
 * `./build`, `**`+`/test`), one without against the name at every depth (`*.map`), as mise and git do.
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
