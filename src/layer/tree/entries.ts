/**
 * Collects the entries of a layer from its sources; later ones replace earlier ones.
 * @module
 */
import { MiseOciError } from "../../errors.ts";
import type { Owner } from "../../plan/types.ts";
import { comparePaths, joinPath, type LayerEntry, parentPath } from "../entry.ts";

/** Entries by path. */
export class EntryMap {
  readonly #byPath = new Map<string, LayerEntry>();
  /** Entries of trees that are not indexed yet: a map of many takes time and memory. */
  #loose: LayerEntry[] = [];

  /** Number of entries. */
  get size(): number {
    return this.#indexed().size;
  }

  /** The entry at a path. */
  get(path: string): LayerEntry | undefined {
    return this.#indexed().get(path);
  }

  /** Whether there is no entry at a path or below it. */
  isFree(path: string): boolean {
    const below = path === "" ? "" : `${path}/`;
    for (const key of this.#indexed().keys()) {
      if (key === path || key.startsWith(below)) return false;
    }
    return true;
  }

  /** Sets an entry; if it replaces a directory by something else, the entries below are removed. */
  set(entry: LayerEntry): void {
    const byPath = this.#indexed();
    const before = byPath.get(entry.path);
    if (before?.type === "directory" && entry.type !== "directory") this.#deleteBelow(entry.path);
    byPath.set(entry.path, entry);
  }

  /** Adds an entry of a tree at a place that {@linkcode isFree}; paths must be unique. */
  add(entry: LayerEntry): void {
    this.#loose.push(entry);
  }

  /** Adds the missing parents of a path, created by `directory`. */
  addParents(path: string, directory: (path: string) => LayerEntry): void {
    const byPath = this.#indexed();
    const missing: string[] = [];
    for (let parent = parentPath(path); parent !== ""; parent = parentPath(parent)) {
      if (byPath.get(parent)?.type !== "directory") missing.push(parent);
    }
    for (const parent of missing) byPath.set(parent, directory(parent));
  }

  /** The entries in archive order: by the bytes of their paths. */
  sorted(): LayerEntry[] {
    const entries = [...this.#byPath.values(), ...this.#loose];
    // JavaScript's comparison is much faster, and equivalent without surrogates.
    const plain = !entries.some(({ path }) => /[\ud800-\udfff]/.test(path));
    return entries.sort((a, b) =>
      plain ? (a.path < b.path ? -1 : a.path > b.path ? 1 : 0) : comparePaths(a.path, b.path)
    );
  }

  /** All entries by path. */
  #indexed(): Map<string, LayerEntry> {
    for (const entry of this.#loose) this.#byPath.set(entry.path, entry);
    if (this.#loose.length > 0) this.#loose = [];
    return this.#byPath;
  }

  #deleteBelow(path: string): void {
    const prefix = `${path}/`;
    for (const key of this.#byPath.keys()) if (key.startsWith(prefix)) this.#byPath.delete(key);
  }
}

/**
 * Turns further names of an inode into hard links to its first name in archive order, so that a layer
 * contains the content once (fault L08).
 */
export function linkSameInodes(entries: LayerEntry[]): void {
  const first = new Map<string, LayerEntry>();
  entries.forEach((entry, index) => {
    if (entry.type !== "file" || entry.host === undefined || entry.host.links < 2) return;
    const { dev, ino } = entry.host;
    if (ino === 0) return;
    const key = `${dev}:${ino}:${entry.mode}:${entry.uid}:${entry.gid}`;
    const original = first.get(key);
    if (original === undefined) first.set(key, entry);
    else entries[index] = { ...entry, type: "hardlink", target: original.path };
  });
}

/**
 * Converts an absolute image path to a path in a layer.
 *
 * @throws {MiseOciError} `invalid` for `.` and `..`, or a name that begins with `.wh.`, which would remove
 * files of lower layers.
 */
export function layerPath(imagePath: string, options: { readonly whiteouts: boolean }): string {
  const parts = imagePath.split("/").filter((part) => part !== "");
  for (const part of parts) {
    if (part === "." || part === ".." || part.includes("\0")) {
      throw new MiseOciError("invalid", `Cannot put "${imagePath}" in a layer: not a plain path`);
    }
    if (!options.whiteouts) refuseWhiteout(part, imagePath);
  }
  return parts.reduce(joinPath, "");
}

/** The entry that removes a path of lower layers (image-spec, "Whiteouts"). */
export function whiteout(path: string, owner: Owner): LayerEntry {
  const slash = path.lastIndexOf("/");
  const name = `.wh.${path.slice(slash + 1)}`;
  return {
    path: slash < 0 ? name : `${path.slice(0, slash)}/${name}`,
    type: "file",
    mode: 0o644,
    ...owner,
    target: "",
    content: new Uint8Array(),
  };
}

/** @throws {MiseOciError} `invalid` for a name that begins with `.wh.` (fault L19). */
export function refuseWhiteout(name: string, path: string): void {
  if (!name.startsWith(".wh.")) return;
  throw new MiseOciError(
    "invalid",
    `Cannot put "${path}" in a layer: a name that begins with ".wh." deletes files of layers below`,
    { hint: "Rename it, or leave it out of what is copied" },
  );
}
