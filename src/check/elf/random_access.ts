/**
 * Random access to bytes in memory, or to an open file by pages.
 * @module
 */
import fs from "node:fs";
import type { LayerEntry } from "../../layer/mod.ts";

/** Bytes that can be read in any order. */
export interface RandomAccess {
  /** Number of bytes. */
  readonly size: number;
  /** The bytes from `offset`, `length` of them or fewer at the end; must not be kept or changed. */
  read(offset: number, length: number): Uint8Array;
}

/** Random access to bytes in memory. */
export function accessBytes(bytes: Uint8Array): RandomAccess {
  return {
    size: bytes.length,
    read: (offset, length) => bytes.subarray(offset, offset + length),
  };
}

const PAGE = 4096;
/** Number of cached pages; an ELF file's tables are close together. */
const PAGES = 64;

/** Random access to an open file, which the caller closes. */
export class FileAccess implements RandomAccess {
  readonly size: number;
  readonly #fd: number;
  readonly #pages = new Map<number, Uint8Array>();

  /** Reads the file `fd` of the given size. The caller closes it. */
  constructor(fd: number, size: number) {
    this.#fd = fd;
    this.size = size;
  }

  read(offset: number, length: number): Uint8Array {
    const end = Math.min(offset + length, this.size);
    if (offset >= end) return new Uint8Array();
    const first = Math.floor(offset / PAGE);
    if (end <= (first + 1) * PAGE) {
      return this.#page(first).subarray(offset - first * PAGE, end - first * PAGE);
    }
    return this.#readAt(offset, end - offset);
  }

  #page(number: number): Uint8Array {
    const known = this.#pages.get(number);
    if (known !== undefined) return known;
    const page = this.#readAt(number * PAGE, PAGE);
    if (this.#pages.size >= PAGES) this.#pages.clear();
    this.#pages.set(number, page);
    return page;
  }

  #readAt(offset: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    let done = 0;
    while (done < length) {
      const count = fs.readSync(this.#fd, bytes, done, length - done, offset + done);
      if (count === 0) break;
      done += count;
    }
    return bytes.subarray(0, done);
  }
}

/**
 * Passes the content of an entry of a layer's tree to `use`, from memory or from its host file.
 *
 * @throws {Error} of the file system for a file that vanished or cannot be read.
 */
export function withEntryAccess<T>(entry: LayerEntry, use: (access: RandomAccess) => T): T {
  if (entry.content !== undefined) return use(accessBytes(entry.content));
  const { path = "", size = 0 } = entry.host ?? {};
  const fd = fs.openSync(path, "r");
  try {
    return use(new FileAccess(fd, size));
  } finally {
    fs.closeSync(fd);
  }
}
