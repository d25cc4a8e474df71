/**
 * Checks whether layers built on one base fit another, by the directories that they expect in the base and
 * those that they would override.
 * @module
 */
import { parentPath } from "../layer/entry.ts";
import type { BaseFiles } from "../layer/read/mod.ts";
import type { LayerFacts } from "../check/mod.ts";

/** Layers and the base to check them against. */
export interface FitInput {
  /** The layers' entries, bottom first. */
  readonly layers: readonly Pick<LayerFacts, "entries">[];
  /** The files of the base. */
  readonly base: BaseFiles;
  /** Owner of the layers' directories. */
  readonly owner: { readonly uid: number; readonly gid: number };
}

type Entry = LayerFacts["entries"][number];

function octal(mode: number): string {
  return mode.toString(8).padStart(4, "0");
}

/** Why an entry would differ in the image from what it was on the old base. */
function maybeConflict(entry: Entry, { base, owner }: FitInput): string | undefined {
  const { path, type, mode } = entry;
  const other = base.get(path);
  if (other === undefined) return undefined;
  if (type !== "directory") {
    return other.type === "directory"
      ? `"/${path}" is a directory of the base, and a ${type} of the image`
      : undefined;
  }
  if (other.type !== "directory") {
    return `"/${path}" is a ${other.type} of the base, and a directory of the image`;
  }
  if (other.mode === mode && other.uid === owner.uid && other.gid === owner.gid) return undefined;
  return `the base reserves "/${path}" (mode ${
    octal(other.mode)
  }, owner ${other.uid}:${other.gid}), ` +
    `which the image has with mode ${octal(mode)} and owner ${owner.uid}:${owner.gid}`;
}

/**
 * Finds the first conflict between layers and base: a directory that the base lacks, or has with another
 * owner or mode (spec section 6).
 *
 * @returns one sentence without a capital and a final period; `undefined` if they fit.
 */
export function maybeMisfit(input: FitInput): string | undefined {
  const { layers, base } = input;
  const directories = new Set<string>([""]);
  const isThere = (path: string): boolean => {
    if (directories.has(path)) return true;
    if (!base.hasDirectory(path)) return false;
    directories.add(path);
    return true;
  };
  for (const { entries } of layers) {
    for (const entry of entries) {
      const parent = parentPath(entry.path);
      if (!isThere(parent)) {
        const link = base.get(parent)?.type === "symlink";
        return `the image needs the directory "/${parent}" of its base, ` +
          (link ? "which is a link in the new one" : "which the new one does not have");
      }
      const conflict = maybeConflict(entry, input);
      if (conflict !== undefined) return conflict;
      if (entry.type === "directory") directories.add(entry.path);
    }
  }
  return undefined;
}
