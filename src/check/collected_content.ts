/**
 * The content of files that pass by in a stream, as much of it as readers want: its beginning decides whether
 * the rest is kept, once for all readers. A large file goes through a temporary file, so memory is bounded.
 * @module
 */
import fs from "node:fs";
import type { TarEntry, TarHandler } from "../tar/parser.ts";
import { HEAD_BYTES } from "./program.ts";
import { accessBytes, FileAccess, type RandomAccess } from "./random_access.ts";

/** Content up to this size stays in memory. */
const MEMORY_BYTES = 8 * 1024 * 1024;

/** Whether an open file can lose its name, so that nothing is left of it however the process ends. */
const CAN_UNLINK = Deno.build.os !== "windows";

function writeFully(fd: number, bytes: Uint8Array, offset: number): void {
  for (let done = 0; done < bytes.length;) {
    done += fs.writeSync(fd, bytes, done, bytes.length - done, offset + done);
  }
}

/** One temporary file for many contents, one at a time. It is made when the first needs it. */
class SpillFile implements Disposable {
  readonly #makeTempFile: () => string;
  #file: { readonly path: string; readonly fd: number } | undefined;

  /** @param makeTempFile makes an empty file and gives its path. */
  constructor(makeTempFile: () => string) {
    this.#makeTempFile = makeTempFile;
  }

  #open(): { readonly path: string; readonly fd: number } {
    if (this.#file === undefined) {
      const path = this.#makeTempFile();
      this.#file = { path, fd: fs.openSync(path, "r+") };
      if (CAN_UNLINK) Deno.removeSync(path);
    }
    return this.#file;
  }

  /**
   * Writes bytes where they belong.
   *
   * @throws {Error} of the file system where no file can be made, or has no room.
   */
  write(bytes: Uint8Array, offset: number): void {
    writeFully(this.#open().fd, bytes, offset);
  }

  /** Reads the content that was written, `size` bytes. */
  access(size: number): RandomAccess {
    return new FileAccess(this.#open().fd, size);
  }

  /** Removes the file. */
  [Symbol.dispose](): void {
    if (this.#file === undefined) return;
    fs.closeSync(this.#file.fd);
    if (!CAN_UNLINK) Deno.removeSync(this.#file.path);
    this.#file = undefined;
  }
}

/** What a reader wants of a file's content. */
export interface ContentWish {
  /** Whether more than the beginning is wanted; `head` has {@linkcode HEAD_BYTES} bytes or the whole file. */
  readonly wantsRest: (head: Uint8Array) => boolean;
  /** Whether the file is done without if it is large and no temporary file can be written. */
  readonly optional?: true;
  /** Takes the content, or the beginning if the rest was not wanted. It may not be kept. */
  readonly take: (access: RandomAccess) => void;
}

/** Reads the files of a layer. */
export interface EntryReader {
  /** Takes an entry. @returns what is wanted of its content. */
  entry(entry: TarEntry): ContentWish | undefined;
}

/** The file whose content arrives. */
interface Current {
  readonly size: number;
  /** Who wants it, or after the beginning the rest of it. */
  wishes: readonly ContentWish[];
  /** Where it is; the beginning is always in memory. */
  into: "memory" | "file";
  filled: number;
}

/** Collects the content of files for several readers at once. */
export class ContentCollector implements TarHandler, Disposable {
  readonly #readers: readonly EntryReader[];
  readonly #spill: SpillFile;
  /** The current file's content; of one in a temporary file its beginning. */
  #buffer = new Uint8Array(64 * 1024);
  #current: Current | undefined;

  /** @param makeTempFile makes an empty file and gives its path. */
  constructor(
    readers: readonly EntryReader[],
    makeTempFile = () => Deno.makeTempFileSync({ prefix: "mise-oci-layer-" }),
  ) {
    this.#readers = readers;
    this.#spill = new SpillFile(makeTempFile);
  }

  /** Takes an entry. */
  entry(entry: TarEntry): boolean {
    const wishes = this.#readers.flatMap((reader) => reader.entry(entry) ?? []);
    this.#current = undefined;
    if (wishes.length === 0) return false;
    this.#current = { size: entry.size, wishes, into: "memory", filled: 0 };
    return true;
  }

  /**
   * Takes content of the entry.
   *
   * @throws {Error} of the file system if a temporary file is needed, and a reader cannot do without.
   */
  data(chunk: Uint8Array): void {
    const current = this.#current;
    if (current === undefined) return;
    try {
      this.#write(current, chunk);
    } catch (error) {
      this.#current = undefined;
      if (current.wishes.some(({ optional }) => optional !== true)) throw error;
    }
  }

  #write(current: Current, chunk: Uint8Array): void {
    const { filled, size } = current;
    const begins = filled < HEAD_BYTES;
    const part = begins ? chunk.subarray(0, HEAD_BYTES - filled) : chunk;
    if (current.into === "file") this.#spill.write(part, filled);
    else this.#buffer.set(part, filled);
    current.filled += part.length;
    if (!begins || current.filled < HEAD_BYTES || size <= HEAD_BYTES) return;
    this.#decide(current);
    if (current.wishes.length === 0) this.#current = undefined;
    else this.#write(current, chunk.subarray(part.length));
  }

  /** Gives the beginning to those who want no more, and makes room for the rest. */
  #decide(current: Current): void {
    const { size, wishes } = current;
    const head = this.#buffer.subarray(0, HEAD_BYTES);
    const all = Map.groupBy(wishes, ({ wantsRest }) => wantsRest(head));
    for (const { take } of all.get(false) ?? []) take({ ...accessBytes(head), size });
    current.wishes = all.get(true) ?? [];
    if (current.wishes.length === 0) return;
    if (size > MEMORY_BYTES) {
      current.into = "file";
      this.#spill.write(head, 0);
    } else if (size > this.#buffer.length) {
      const larger = new Uint8Array(
        Math.min(MEMORY_BYTES, Math.max(size, 2 * this.#buffer.length)),
      );
      larger.set(head);
      this.#buffer = larger;
    }
  }

  /** Gives the whole content to those who want it. */
  end(): void {
    const current = this.#current;
    this.#current = undefined;
    if (current === undefined) return;
    const { size, into } = current;
    const access = into === "file"
      ? this.#spill.access(size)
      : accessBytes(this.#buffer.subarray(0, size));
    for (const { take } of current.wishes) take(access);
  }

  /** Removes the temporary file. */
  [Symbol.dispose](): void {
    this.#spill[Symbol.dispose]();
  }
}
