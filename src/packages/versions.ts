/**
 * Which versions of packages a manager's database names.
 * @module
 */
import type { PackageManager } from "./plan.ts";

/** The file of the database, relative to the root, and the fields of an entry. */
const DATABASES: Readonly<
  Record<PackageManager, { readonly path: string; readonly name: string; readonly version: string }>
> = {
  apt: { path: "var/lib/dpkg/status", name: "Package: ", version: "Version: " },
  apk: { path: "lib/apk/db/installed", name: "P:", version: "V:" },
};

/** Where a manager keeps its database, relative to the root. */
export function databasePath(manager: PackageManager): string {
  return DATABASES[manager].path;
}

/**
 * The versions of all packages that a database names.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { parseVersions } from "./versions.ts";
 *
 * assertEquals(parseVersions("P:curl\nV:8.1-r0\n\n", "apk"), new Map([["curl", "8.1-r0"]]));
 * ```
 */
export function parseVersions(text: string, manager: PackageManager): ReadonlyMap<string, string> {
  const { name, version } = DATABASES[manager];
  const versions = new Map<string, string>();
  for (const stanza of text.split(/\n\n+/)) {
    const lines = stanza.split("\n");
    const field = (prefix: string): string | undefined =>
      lines.find((line) => line.startsWith(prefix))?.slice(prefix.length).trim();
    const [key, value] = [field(name), field(version)];
    if (key !== undefined && value !== undefined) versions.set(key, value);
  }
  return versions;
}
