/**
 * Finds other names of relocated host directories: a data directory reached through a link, and mise's
 * version links next to an install (`3`, `3.12`, `latest`).
 * @module
 */
import * as posix from "@std/path/posix";
import type { LayerPlan, Relocation } from "../../plan/types.ts";
import { type RelocationMap, relocationMap } from "./relocate.ts";

/**
 * The relocation map of a layer: its plan's rules, its own trees, and other names of the same directories.
 * Without rules in the plan, nothing is relocated.
 */
export function expandRelocations(plan: LayerPlan): RelocationMap {
  if (plan.relocations.length === 0) return relocationMap([], []);
  const trees = plan.sources.filter((source) => source.type === "tree");
  const images = trees.map(({ imagePath }) => imagePath);
  const own = trees.map(({ hostPath, imagePath }) =>
    normalize({ host: hostPath, image: imagePath })
  );
  const shared = sharedMap(plan.relocations);
  const isShared = ({ host, image }: Relocation): boolean =>
    shared.rules.some((rule) => rule.host === host && rule.image === image);
  if (own.every(isShared)) return { ...shared, own: images };
  return relocationMap([...own, ...own.flatMap(otherNames), ...shared.rules], images);
}

function normalize({ host, image }: Relocation): Relocation {
  return { host: posix.normalize(host).replace(/(?<=.)\/$/, ""), image };
}

/** Maps of relocations shared by the layers of a plan, computed once rather than for every tool. */
const sharedMaps = new WeakMap<readonly Relocation[], RelocationMap>();

function sharedMap(relocations: readonly Relocation[]): RelocationMap {
  const known = sharedMaps.get(relocations);
  if (known !== undefined) return known;
  const given = relocations.map(normalize);
  const map = relocationMap([...given, ...given.flatMap(otherNames)], []);
  sharedMaps.set(relocations, map);
  return map;
}

function otherNames({ host, image }: Relocation): Relocation[] {
  const real = maybeRealPath(host);
  if (real === undefined) return [];
  const names = new Set([real]);
  for (const parent of new Set([posix.dirname(host), posix.dirname(real)])) {
    for (const name of linksIn(parent)) {
      const path = posix.join(parent, name);
      if (maybeRealPath(path) === real) names.add(path);
    }
  }
  names.delete(host);
  return [...names].sort().map((name) => ({ host: name, image }));
}

function linksIn(directory: string): string[] {
  try {
    return Array.from(Deno.readDirSync(directory)).filter(({ isSymlink }) => isSymlink)
      .map(({ name }) => name);
  } catch {
    // A missing or inaccessible directory has no other names.
    return [];
  }
}

function maybeRealPath(path: string): string | undefined {
  try {
    return Deno.realPathSync(path);
  } catch {
    return undefined;
  }
}
