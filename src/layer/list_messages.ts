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

/** Packs what is found as it comes: no object is kept of it. */
export class FoundPacker {
  readonly #names: string[] = [];
  #stats = new Float64Array(1024 * INFO_NUMBERS);
  #count = 0;

  /** Adds an entry. */
  add({ path, type, mode, uid, gid, target, host }: Found): void {
    this.#names.push(path, target);
    const at = this.#count++;
    if (this.#count * INFO_NUMBERS > this.#stats.length) {
      const larger = new Float64Array(2 * this.#stats.length);
      larger.set(this.#stats);
      this.#stats = larger;
    }
    const { size, ino, dev, links, mtime, ctime } = host;
    packFile({ type, mode, uid, gid, size, ino, dev, links, mtime, ctime }, this.#stats, at);
  }

  /** The answer to a request. */
  response(id: number): ListResponse {
    const stats = this.#stats.slice(0, this.#count * INFO_NUMBERS);
    return { id, names: this.#names.join("\0"), stats };
  }
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
