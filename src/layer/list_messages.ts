/**
 * What the thread that lists trees is asked and answers: names as one text, numbers as one block, because
 * copying thousands of objects from thread to thread takes as long as listing them.
 * @module
 */
import { joinPath } from "./entry.ts";
import type { Found } from "./walk.ts";

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

const TYPES: readonly Found["type"][] = ["file", "directory", "symlink"];
/** Numbers of an entry. */
const STATS = 10;

/** Packs what was found. */
export function packFound(id: number, entries: readonly Found[]): ListResponse {
  const stats = new Float64Array(entries.length * STATS);
  const names: string[] = [];
  for (const [i, { path, type, mode, uid, gid, target, host }] of entries.entries()) {
    names.push(path, target);
    const { size, ino, dev, links, mtime, ctime } = host;
    stats.set(
      [TYPES.indexOf(type), mode, uid, gid, size, ino, dev, links, mtime, ctime],
      i * STATS,
    );
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
  const base = root === "/" ? "" : root;
  return Array.from({ length: stats.length / STATS }, (_, i): Found => {
    const [path = "", target = ""] = [texts[2 * i], texts[2 * i + 1]];
    const at = i * STATS;
    const number = (column: number): number => stats[at + column] ?? 0;
    return {
      path,
      type: TYPES[number(0)] ?? "file",
      mode: number(1),
      uid: number(2),
      gid: number(3),
      target,
      host: {
        path: path === "" ? root : joinPath(base, path),
        size: number(4),
        ino: number(5),
        dev: number(6),
        links: number(7),
        mtime: number(8),
        ctime: number(9),
      },
    };
  });
}
