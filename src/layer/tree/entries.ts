/**
 * The entries of a layer while its sources are put together: later ones replace earlier ones.
 * @module
 */
import { MiseOciError } from "../../errors.ts";
import type { Owner } from "../../plan/types.ts";
import { comparePaths, joinPath, type LayerEntry, parentPath } from "../entry.ts";

/** Entries by path. */
export class EntryMap {
  readonly #byPath = new Map<string, LayerEntry>();
  /** Entries of trees that nobody has asked for by path yet: a map of many takes time and memory. */
  #loose: LayerEntry[] = [];

  /** Number of entries. */
  get size(): number {
    return this.#indexed().size;
  }

  /** The entry at a path. */
  get(path: string): LayerEntry | undefined {
    return this.#indexed().get(path);
  }

  /** Whether there is nothing at a path and below. */
  isFree(path: string): boolean {
    const below = path === "" ? "" : `${path}/`;
    for (const key of this.#indexed().keys()) {
      if (key === path || key.startsWith(below)) return false;
    }
    return true;
  }

  /** Puts an entry; what is below an entry that is no directory any more goes with it. */
  set(entry: LayerEntry): void {
    const byPath = this.#indexed();
    const before = byPath.get(entry.path);
    if (before?.type === "directory" && entry.type !== "directory") this.#deleteBelow(entry.path);
    byPath.set(entry.path, entry);
  }

  /** Puts an entry of a tree whose place {@linkcode isFree}, and which has each path once. */
  add(entry: LayerEntry): void {
    this.#loose.push(entry);
  }

  /** Adds the parents of a path that are missing, made by `directory`. */
  addParents(path: string, directory: (path: string) => LayerEntry): void {
    const byPath = this.#indexed();
    const missing: string[] = [];
    for (let parent = parentPath(path); parent !== ""; parent = parentPath(parent)) {
      if (byPath.get(parent)?.type !== "directory") missing.push(parent);
    }
    for (const parent of missing) byPath.set(parent, directory(parent));
  }

  /** The entries in the order of the archive: by the bytes of their paths. */
  sorted(): LayerEntry[] {
    const entries = [...this.#byPath.values(), ...this.#loose];
    // The engine's own comparison is much faster, and the same where there are no surrogates.
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
 * Makes each further name of an inode a hard link to its first name in archive order, so that a layer
 * holds the content once (fault L08).
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
 * The path in a layer of an absolute image path.
 *
 * @throws {MiseOciError} `invalid` for `.` and `..`, or a name that begins with `.wh.`, which would delete
 * something of the layers below.
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

/** The entry that removes what layers below have at a path (image-spec, "Whiteouts"). */
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
