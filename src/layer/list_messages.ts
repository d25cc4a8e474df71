/**
 * What the thread that lists trees is asked and answers: names as one text, numbers as one block, because
 * copying thousands of objects from thread to thread takes as long as listing them.
 * @module
 */
import { TreeStat } from "./tree_stat.ts";
import type { Found } from "./walk.ts";
import { INFO_NUMBERS, packFile, unpackInfo } from "./walk_messages.ts";

/** A tree to be listed. */
export interface ListRequest {
  /** Absolute host path, links followed. */
  readonly root: string;
  /** Number of the request: trees are listed at once, and a small one ends before a large one. */
  readonly id: number;
}

/** A tree that was listed; without `stats` if something in it is not as it should be. */
export interface ListResponse {
  /** Number of the request. */
  readonly id: number;
  /** Path and target of each entry in the order of the walk, separated by NUL. */
  readonly names: string;
  /** Its numbers. */
  readonly stats?: Float64Array<ArrayBuffer>;
}

/** Packs what was found. */
export function packFound(id: number, entries: readonly Found[]): ListResponse {
  const stats = new Float64Array(entries.length * INFO_NUMBERS);
  const names: string[] = [];
  let at = 0;
  for (const { path, target, type, mode, uid, gid, host } of entries) {
    names.push(path, target);
    const { size, ino, dev, links, mtime, ctime } = host;
    packFile({ type, mode, uid, gid, size, ino, dev, links, mtime, ctime }, stats, at++);
  }
  return { id, names: names.join("\0"), stats };
}

/** What was found; `undefined` if the tree could not be listed. */
export function maybeUnpackFound(
  root: string,
  { names, stats }: ListResponse,
): Found[] | undefined {
  if (stats === undefined) return undefined;
  const texts = names.split("\0");
  return Array.from({ length: stats.length / INFO_NUMBERS }, (_, i): Found => {
    const [path = "", target = ""] = [texts[2 * i], texts[2 * i + 1]];
    const { type, mode, uid, gid, ...numbers } = unpackInfo(stats, i);
    return { path, type, mode, uid, gid, target, host: new TreeStat(root, path, numbers) };
  });
}
