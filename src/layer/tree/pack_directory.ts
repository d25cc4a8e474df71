/**
 * How threads list directories: names as they are, numbers in one block, because copying thousands of
 * objects from thread to thread takes as long as listing them.
 * @module
 */
import { joinPath } from "../entry.ts";
import { joinHostPath } from "./tree_stat.ts";
import { INFO_NUMBERS, packInfo, type TreeResponse } from "./walk_messages.ts";

/** What is in a directory, in the order of the disk. */
export interface PackedDirectory {
  /** The names. */
  readonly names: readonly string[];
  /** Which of them are directories. */
  readonly below: readonly string[];
}

/** Packs the directories of one message; opens nothing but directories. */
export class DirectoryPacker {
  #numbers = new Float64Array(4096 * INFO_NUMBERS);
  #count = 0;

  /**
   * Packs what is in a directory; `undefined` if something of it cannot be read, or cannot be in a layer: the
   * thread that walks looks at that itself and says what is wrong.
   */
  maybeAdd(directory: string): PackedDirectory | undefined {
    const start = this.#count;
    const below: string[] = [];
    try {
      const names = Array.from(Deno.readDirSync(directory), ({ name }) => name);
      // A name that is not UTF-8, or may not be, is looked into where it can be said.
      if (names.some((name) => name.includes("\ufffd"))) return undefined;
      this.#reserve(names.length);
      for (const name of names) {
        const info = Deno.lstatSync(joinHostPath(directory, name));
        if (!packInfo(info, this.#numbers, this.#count++)) return this.#back(start);
        if (info.isDirectory) below.push(name);
      }
      return { names, below };
    } catch {
      return this.#back(start);
    }
  }

  /** Numbers of every name, one after the other, for {@linkcode unpackInfo}; the next message begins anew. */
  take(): Float64Array<ArrayBuffer> {
    const numbers = this.#numbers.slice(0, this.#count * INFO_NUMBERS);
    this.#count = 0;
    return numbers;
  }

  #reserve(names: number): void {
    const needed = (this.#count + names) * INFO_NUMBERS;
    if (needed <= this.#numbers.length) return;
    const before = this.#numbers;
    this.#numbers = new Float64Array(2 * needed);
    this.#numbers.set(before);
  }

  #back(count: number): undefined {
    this.#count = count;
    return undefined;
  }
}

/** Lists a whole tree, directory by directory. */
export class TreePacker {
  readonly #root: string;
  readonly #packer = new DirectoryPacker();
  readonly #since = Date.now();
  readonly #paths: string[] = [];
  readonly #names: (string | undefined)[] = [];
  readonly #pending = [""];

  /** @param root Absolute host directory, links followed. */
  constructor(root: string) {
    this.#root = root;
  }

  /** Lists the next directory. @returns the number of its names, `undefined` if none was left to list. */
  next(): number | undefined {
    const path = this.#pending.pop();
    if (path === undefined) return undefined;
    const packed = this.#packer.maybeAdd(joinHostPath(this.#root, path));
    this.#paths.push(path);
    this.#names.push(packed?.names.join("/"));
    for (const name of packed?.below ?? []) this.#pending.push(joinPath(path, name));
    return packed?.names.length ?? 0;
  }

  /** What was listed. */
  finish(): TreeResponse & { readonly numbers: Float64Array<ArrayBuffer> } {
    const numbers = this.#packer.take();
    return { paths: this.#paths, names: this.#names, numbers, since: this.#since };
  }
}
