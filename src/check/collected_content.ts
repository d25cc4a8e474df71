/**
 * The content of a file that passes by in a stream, as much of it as somebody wants: its beginning decides
 * whether the rest is kept. A large one goes through a temporary file, so memory is bounded.
 * @module
 */
import fs from "node:fs";
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
export class SpillFile implements Disposable {
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

  /** Copies the content, `size` bytes, into a file with a name, which the caller removes. Returns its path. */
  copy(size: number): string {
    const path = this.#makeTempFile();
    const { fd } = this.#open();
    const to = fs.openSync(path, "r+");
    try {
      const buffer = new Uint8Array(64 * 1024);
      for (let at = 0; at < size;) {
        const read = fs.readSync(fd, buffer, 0, Math.min(buffer.length, size - at), at);
        if (read === 0) break;
        writeFully(to, buffer.subarray(0, read), at);
        at += read;
      }
      return path;
    } catch (error) {
      Deno.removeSync(path);
      throw error;
    } finally {
      fs.closeSync(to);
    }
  }

  /** Removes the file. */
  [Symbol.dispose](): void {
    if (this.#file === undefined) return;
    fs.closeSync(this.#file.fd);
    if (!CAN_UNLINK) Deno.removeSync(this.#file.path);
    this.#file = undefined;
  }
}

/** How much of a file is collected. */
export interface CollectOptions {
  /** Size of the file in bytes. */
  readonly size: number;
  /** How many bytes its beginning has, by which the rest is decided on; `size` to collect it whole. */
  readonly head: number;
  /** How many bytes are wanted in all: the beginning is enough if they are no more. */
  readonly wanted: (head: Uint8Array) => number;
  /** Where it goes if it is large. */
  readonly spill: SpillFile;
  /** Bytes of a file that stays in memory; by default 8 MiB. */
  readonly memory?: number;
}

/** The content of one file. */
export class CollectedContent {
  readonly #options: CollectOptions;
  #into: Uint8Array | "file";
  #filled = 0;
  #isDecided = false;

  constructor(options: CollectOptions) {
    this.#options = options;
    this.#into = new Uint8Array(Math.min(options.head, options.size));
  }

  /**
   * Takes the next bytes.
   *
   * @returns whether more may be wanted; `false` if the rest is not.
   * @throws {Error} of the file system, if it is large.
   */
  write(chunk: Uint8Array): boolean {
    const { size, spill } = this.#options;
    for (let rest = chunk; rest.length > 0;) {
      if (this.#into === "file") {
        spill.write(rest, this.#filled);
        this.#filled += rest.length;
        return true;
      }
      const part = rest.subarray(0, this.#into.length - this.#filled);
      this.#into.set(part, this.#filled);
      this.#filled += part.length;
      rest = rest.subarray(part.length);
      const isFull = this.#filled === this.#into.length && this.#filled < size;
      if (isFull && !this.#makeRoom(this.#into)) return false;
    }
    return true;
  }

  /** Makes room for the rest, if it is wanted. */
  #makeRoom(head: Uint8Array): boolean {
    const { size, wanted, spill, memory = MEMORY_BYTES } = this.#options;
    if (this.#isDecided) return false;
    this.#isDecided = true;
    const length = Math.min(size, wanted(head));
    if (length <= head.length) return false;
    if (length <= memory) {
      this.#into = new Uint8Array(length);
      this.#into.set(head);
    } else {
      this.#into = "file";
      spill.write(head, 0);
    }
    return true;
  }

  /** What was collected: all of the file, or its beginning. To be read before another is collected. */
  access(): RandomAccess {
    const { size, spill } = this.#options;
    return this.#into === "file" ? spill.access(size) : { ...accessBytes(this.#into), size };
  }
}
