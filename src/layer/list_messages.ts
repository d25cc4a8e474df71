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

/** Packs what is found as it comes: no object is kept of it. */
export class FoundPacker {
  readonly #names: string[] = [];
  #stats = new Float64Array(1024 * STATS);
  #at = 0;

  /** Adds an entry. */
  add({ path, type, mode, uid, gid, target, host }: Found): void {
    this.#names.push(path, target);
    if (this.#at === this.#stats.length) {
      const larger = new Float64Array(2 * this.#at);
      larger.set(this.#stats);
      this.#stats = larger;
    }
    const stats = this.#stats;
    let at = this.#at;
    stats[at++] = TYPES.indexOf(type);
    stats[at++] = mode;
    stats[at++] = uid;
    stats[at++] = gid;
    stats[at++] = host.size;
    stats[at++] = host.ino;
    stats[at++] = host.dev;
    stats[at++] = host.links;
    stats[at++] = host.mtime;
    stats[at++] = host.ctime;
    this.#at = at;
  }

  /** The answer to a request. */
  response(id: number): ListResponse {
    return { id, names: this.#names.join("\0"), stats: this.#stats.slice(0, this.#at) };
  }
}

/** What was found; `undefined` if the tree could not be listed. */
export function maybeUnpackFound(
  root: string,
  { names, stats }: ListResponse,
): Found[] | undefined {
  if (stats === undefined) return undefined;
  const texts = names.split("\0");
  const base = root === "/" ? "" : root;
  const entries: Found[] = [];
  for (let at = 0; at < stats.length; at += STATS) {
    const path = texts[2 * entries.length] ?? "";
    entries.push({
      path,
      type: TYPES[stats[at] ?? 0] ?? "file",
      mode: stats[at + 1] ?? 0,
      uid: stats[at + 2] ?? 0,
      gid: stats[at + 3] ?? 0,
      target: texts[2 * entries.length + 1] ?? "",
      host: {
        path: path === "" ? root : joinPath(base, path),
        size: stats[at + 4] ?? 0,
        ino: stats[at + 5] ?? 0,
        dev: stats[at + 6] ?? 0,
        links: stats[at + 7] ?? 0,
        mtime: stats[at + 8] ?? 0,
        ctime: stats[at + 9] ?? 0,
      },
    });
  }
  return entries;
}
