/**
 * Where the cache is.
 * @module
 */
import { MiseOciError } from "../errors.ts";
import { join } from "@std/path";

/**
 * Where the cache is: `MISE_OCI_CACHE_DIR`, else `$XDG_CACHE_HOME/mise-oci`, else `~/.cache/mise-oci`.
 *
 * @param env reads an environment variable; an empty one is treated as unset, and a relative `XDG_CACHE_HOME`
 * is ignored, as its specification requires.
 * @throws {MiseOciError} `usage` if none of them leads anywhere.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { cacheDirectory } from "./cache_directory.ts";
 *
 * assertEquals(cacheDirectory((name) => ({ HOME: "/home/me" })[name]), "/home/me/.cache/mise-oci");
 * ```
 */
export function cacheDirectory(env: (name: string) => string | undefined): string {
  const own = env("MISE_OCI_CACHE_DIR");
  if (own !== undefined && own !== "") {
    if (own.startsWith("/") || /^[A-Za-z]:[\\/]/.test(own)) return own;
    throw new MiseOciError("usage", `Cannot use MISE_OCI_CACHE_DIR "${own}": it is not absolute`, {
      hint: "Set it to an absolute directory, or leave it out",
    });
  }
  const xdg = env("XDG_CACHE_HOME");
  if (xdg?.startsWith("/")) return join(xdg, "mise-oci");
  const home = env("HOME") || env("USERPROFILE");
  if (home !== undefined && home !== "") return join(home, ".cache", "mise-oci");
  throw new MiseOciError("usage", "Cannot find a place for the cache: HOME is not set", {
    hint: "Set MISE_OCI_CACHE_DIR to a directory",
  });
}

/** {@linkcode cacheDirectory} of this process's environment. */
export function defaultCacheDirectory(): string {
  return cacheDirectory((name) => Deno.env.get(name));
}

/** Where compressed archives are unpacked in a cache; what killed runs leave there is swept. */
export function archiveScratch(cacheDir: string): string {
  return join(cacheDir, "tmp");
}
