/**
 * What changed between the packages of two images.
 * @module
 */
import type { Component, Inventory } from "./inventory.ts";

/** A package that one image has and the other has not, or in another version. */
export interface PackageChange {
  /** What happened to it. */
  readonly change: "added" | "removed" | "bumped";
  /** Who knows it: `deb`, `npm`, `golang`, … */
  readonly type: string;
  /** Its name. */
  readonly name: string;
  /** Versions in A that B does not have, sorted, a comma between them. */
  readonly before?: string;
  /** Versions in B that A does not have. */
  readonly after?: string;
}

/** A package whatever its version: architectures and epochs aside. */
function identity({ purl }: Component): string {
  return purl.replace(/[@?].*$/, "");
}

function versionsByPackage(inventory: Inventory): ReadonlyMap<string, ReadonlySet<string>> {
  const versions = new Map<string, Set<string>>();
  for (const component of inventory.components) {
    const key = `${identity(component)}\0${component.name}`;
    const known = versions.get(key) ?? new Set();
    versions.set(key, known.add(component.version ?? ""));
  }
  return versions;
}

function without(all: ReadonlySet<string>, others: ReadonlySet<string>): readonly string[] {
  return [...all].filter((version) => !others.has(version)).sort();
}

/** Compares the packages of two images; sorted by type and name. */
export function comparePackages(a: Inventory, b: Inventory): readonly PackageChange[] {
  const [before, after] = [versionsByPackage(a), versionsByPackage(b)];
  const keys = [...new Set([...before.keys(), ...after.keys()])].sort();
  return keys.flatMap((key): readonly PackageChange[] => {
    const [old, now] = [before.get(key) ?? new Set<string>(), after.get(key) ?? new Set<string>()];
    const [gone, come] = [without(old, now), without(now, old)];
    if (gone.length + come.length === 0) return [];
    const [purl = "", name = ""] = key.split("\0");
    const type = /^pkg:([^/]+)/.exec(purl)?.[1] ?? "";
    const change = old.size === 0 ? "added" : now.size === 0 ? "removed" : "bumped";
    return [{
      change,
      type,
      name,
      ...(gone.length === 0 ? {} : { before: gone.join(", ") }),
      ...(come.length === 0 ? {} : { after: come.join(", ") }),
    }];
  });
}
