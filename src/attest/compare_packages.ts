/**
 * Compares the packages of two images.
 * @module
 */
import type { Component, Inventory } from "./inventory.ts";

/** A package that only one image has, or that has different versions. */
export interface PackageChange {
  /** The kind of change. */
  readonly change: "added" | "removed" | "bumped";
  /** Its ecosystem: `deb`, `npm`, `golang`, … */
  readonly type: string;
  /** Its name. */
  readonly name: string;
  /** Versions only in A, sorted and comma-separated. */
  readonly before?: string;
  /** Versions only in B, in the same form. */
  readonly after?: string;
}

/** The identity of a package, without version and qualifiers. */
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

/** Compares the packages of two images; the result is sorted by type and name. */
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
