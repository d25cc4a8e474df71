/**
 * Whether layers that were built on one base fit another: the directories that they left to the base, and
 * those that they would take from it.
 * @module
 */
import { parentPath } from "../layer/entry.ts";
import type { BaseFiles } from "../layer/read/mod.ts";
import type { LayerFacts } from "../check/mod.ts";

/** Layers above a base. */
export interface FitInput {
  /** What the layers hold, bottom first. */
  readonly layers: readonly Pick<LayerFacts, "entries">[];
  /** What the base holds. */
  readonly base: BaseFiles;
  /** Numeric owner of the layers' directories. */
  readonly owner: { readonly uid: number; readonly gid: number };
}

type Entry = LayerFacts["entries"][number];

function octal(mode: number): string {
  return mode.toString(8).padStart(4, "0");
}

/** Why an entry would not be in the image what it was on the old base. */
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
 * Finds the first place where the layers do not fit the base: a directory that they expect there and that
 * it lacks, or one that it has with another owner or mode (spec section 6).
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
