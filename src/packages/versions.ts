/**
 * Versions of packages in a manager's database.
 * @module
 */
import type { ManagerName } from "../oci/mod.ts";
import { managerOf } from "./managers/mod.ts";

/** Where a manager keeps its database, relative to the root. */
export function databasePath(manager: ManagerName): string {
  return managerOf(manager).database.path;
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
export function parseVersions(text: string, manager: ManagerName): ReadonlyMap<string, string> {
  const { name, version } = managerOf(manager).database;
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
