/**
 * How threads transfer directory listings: names as text, numbers in one array, because copying thousands
 * of objects between threads takes as long as listing them.
 * @module
 */
import { joinPath } from "../entry.ts";
import { joinHostPath } from "./tree_stat.ts";
import { INFO_NUMBERS, packInfo, type TreeResponse } from "./walk_messages.ts";

/** The contents of a directory, in disk order. */
export interface PackedDirectory {
  /** The names. */
  readonly names: readonly string[];
  /** The names of subdirectories. */
  readonly below: readonly string[];
}

/** Packs the directories of one message; opens only directories. */
export class DirectoryPacker {
  #numbers = new Float64Array(4096 * INFO_NUMBERS);
  #count = 0;

  /**
   * Packs the contents of a directory; `undefined` if an entry cannot be read or cannot be in a layer. The
   * walking thread then lists it itself and reports the problem.
   */
  maybeAdd(directory: string): PackedDirectory | undefined {
    const start = this.#count;
    const below: string[] = [];
    try {
      const names = Array.from(Deno.readDirSync(directory), ({ name }) => name);
      // A name that may not be UTF-8 is left to the walking thread, which can report it.
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

  /** Returns the numbers of all names, for {@linkcode unpackInfo}, and starts the next message. */
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

  /** Lists the next directory. @returns the number of its names; `undefined` if there was none left. */
  next(): number | undefined {
    const path = this.#pending.pop();
    if (path === undefined) return undefined;
    const packed = this.#packer.maybeAdd(joinHostPath(this.#root, path));
    this.#paths.push(path);
    this.#names.push(packed?.names.join("/"));
    for (const name of packed?.below ?? []) this.#pending.push(joinPath(path, name));
    return packed?.names.length ?? 0;
  }

  /** The list. */
  finish(): TreeResponse & { readonly numbers: Float64Array<ArrayBuffer> } {
    const numbers = this.#packer.take();
    return { paths: this.#paths, names: this.#names, numbers, since: this.#since };
  }
}
