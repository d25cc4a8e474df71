/**
 * Collects the content of files from a stream, once for several readers. The start of a file determines how
 * much of it is needed. Large files are written to a temporary file, to limit memory use.
 * @module
 */
import fs from "node:fs";
import type { TarEntry, TarHandler } from "../../tar/parser.ts";
import { HEAD_BYTES } from "./program.ts";
import { accessBytes, FileAccess, type RandomAccess } from "../elf/random_access.ts";

/** Size limit for content in memory. */
const MEMORY_BYTES = 8 * 1024 * 1024;

/** Whether an open file can be unlinked, so that it disappears however the process ends. */
const CAN_UNLINK = Deno.build.os !== "windows";

function writeFully(fd: number, bytes: Uint8Array, offset: number): void {
  for (let done = 0; done < bytes.length;) {
    done += fs.writeSync(fd, bytes, done, bytes.length - done, offset + done);
  }
}

/** A temporary file, created on first use and reused for the content of each file. */
class SpillFile implements Disposable {
  readonly #makeTempFile: () => string;
  #file: { readonly path: string; readonly fd: number } | undefined;

  /** @param makeTempFile creates an empty file and returns its path. */
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
   * Writes bytes at an offset.
   *
   * @throws {Error} of the file system if the file cannot be created or is out of space.
   */
  write(bytes: Uint8Array, offset: number): void {
    writeFully(this.#open().fd, bytes, offset);
  }

  /** The first `size` bytes that were written. */
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

/** A reader's request for the content of a file. */
export interface ContentWish {
  /**
   * The number of bytes needed from the start of the file; may be more than its size for the whole file.
   *
   * @param head the first {@linkcode HEAD_BYTES} bytes of a longer file.
   */
  readonly needed: (head: Uint8Array) => number;
  /** Whether a large file is skipped if no temporary file can be written. */
  readonly optional?: true;
  /**
   * Receives at least the requested bytes, and always {@linkcode HEAD_BYTES}. They must not be kept.
   */
  readonly take: (access: RandomAccess) => void;
}

/** Reads the files of a layer. */
export interface EntryReader {
  /** Receives an entry. @returns the request for its content, if any. */
  entry(entry: TarEntry): ContentWish | undefined;
}

/** The file whose content is collected. */
interface Current {
  readonly size: number;
  /** The requests of readers that still need it. */
  wishes: readonly ContentWish[];
  /** The number of bytes that they need at most. */
  needed: number;
  /** Where the bytes are stored; those of the head are always in memory. */
  into: "memory" | "file";
  filled: number;
}

/** Collects the content of files for several readers at once. */
export class ContentCollector implements TarHandler, Disposable {
  readonly #readers: readonly EntryReader[];
  readonly #spill: SpillFile;
  /** The current file's content, or only its head if the rest is in the temporary file. */
  #buffer = new Uint8Array(64 * 1024);
  #current: Current | undefined;

  /** @param makeTempFile creates an empty file and returns its path. */
  constructor(
    readers: readonly EntryReader[],
    makeTempFile = () => Deno.makeTempFileSync({ prefix: "mise-oci-layer-" }),
  ) {
    this.#readers = readers;
    this.#spill = new SpillFile(makeTempFile);
  }

  /** Receives an entry. */
  entry(entry: TarEntry): boolean {
    const wishes = this.#readers.flatMap((reader) => reader.entry(entry) ?? []);
    this.#current = undefined;
    if (wishes.length === 0) return false;
    const { size } = entry;
    this.#current = { size, wishes, needed: size, into: "memory", filled: 0 };
    return true;
  }

  /**
   * Receives content of the entry.
   *
   * @throws {Error} of the file system if the temporary file cannot be written and a reader requires the content.
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
    const isHead = filled < HEAD_BYTES;
    const part = chunk.subarray(0, (isHead ? HEAD_BYTES : current.needed) - filled);
    if (current.into === "file") this.#spill.write(part, filled);
    else this.#buffer.set(part, filled);
    current.filled += part.length;
    if (isHead && current.filled === HEAD_BYTES && size > HEAD_BYTES) {
      this.#decide(current);
      this.#write(current, chunk.subarray(part.length));
    } else if (current.filled === current.needed) {
      this.#give(current);
    }
  }

  /** Determines how much is needed, and allocates space for it. */
  #decide(current: Current): void {
    const { size, wishes } = current;
    const head = this.#buffer.subarray(0, HEAD_BYTES);
    const bytes = wishes.map(({ needed }) => Math.min(size, needed(head)));
    // Readers that need only the head receive it now, without waiting for the rest.
    for (const [at, { take }] of wishes.entries()) {
      if ((bytes[at] ?? 0) <= HEAD_BYTES) take({ ...accessBytes(head), size });
    }
    current.wishes = wishes.filter((_, at) => (bytes[at] ?? 0) > HEAD_BYTES);
    const needed = Math.max(HEAD_BYTES, ...bytes);
    current.needed = needed;
    if (needed > MEMORY_BYTES) {
      current.into = "file";
      this.#spill.write(head, 0);
    } else if (needed > this.#buffer.length) {
      const larger = new Uint8Array(
        Math.min(MEMORY_BYTES, Math.max(needed, 2 * this.#buffer.length)),
      );
      larger.set(head);
      this.#buffer = larger;
    }
  }

  /** Passes the content to the readers that need it. */
  #give({ size, into, needed, wishes }: Current): void {
    this.#current = undefined;
    const access = into === "file"
      ? this.#spill.access(needed)
      : accessBytes(this.#buffer.subarray(0, needed));
    for (const { take } of wishes) take({ read: (at, length) => access.read(at, length), size });
  }

  /** Completes an entry: an empty file has received no content. */
  end(): void {
    if (this.#current !== undefined) this.#give(this.#current);
  }

  /** Removes the temporary file. */
  [Symbol.dispose](): void {
    this.#spill[Symbol.dispose]();
  }
}
