/**
 * Collects the content of a file from a stream. The start of the file decides whether the rest is needed.
 * Large files are written to a temporary file, to limit memory use.
 * @module
 */
import fs from "node:fs";
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

/** A temporary file that is reused for one content after the other. Created on first use. */
export class SpillFile implements Disposable {
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
   * @throws {Error} of the file system if the file cannot be created or there is no space.
   */
  write(bytes: Uint8Array, offset: number): void {
    writeFully(this.#open().fd, bytes, offset);
  }

  /** Access to the first `size` bytes of the content. */
  access(size: number): RandomAccess {
    return new FileAccess(this.#open().fd, size);
  }

  /** Copies the first `size` bytes to a new file, which the caller must remove. Returns its path. */
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

/** What to collect of a file. */
export interface CollectOptions {
  /** Size of the file in bytes. */
  readonly size: number;
  /** Number of bytes that decide about the rest; `size` to collect everything. */
  readonly head: number;
  /** Whether the rest is needed. */
  readonly wantsRest: (head: Uint8Array) => boolean;
  /** Receives the content of large files. */
  readonly spill: SpillFile;
  /** Size limit for content in memory; by default 8 MiB. */
  readonly memory?: number;
}

/** The content of one file. */
export class CollectedContent {
  readonly #options: CollectOptions;
  #into: Uint8Array | "file";
  #filled = 0;

  constructor(options: CollectOptions) {
    this.#options = options;
    this.#into = new Uint8Array(Math.min(options.head, options.size));
  }

  /**
   * Adds the next bytes.
   *
   * @returns `false` if the rest of the file is not needed.
   * @throws {Error} of the file system, if the file is large.
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

  /** Makes room for the rest, if it is needed. */
  #makeRoom(head: Uint8Array): boolean {
    const { size, wantsRest, spill, memory = MEMORY_BYTES } = this.#options;
    if (!wantsRest(head)) return false;
    if (size <= memory) {
      this.#into = new Uint8Array(size);
      this.#into.set(head);
    } else {
      this.#into = "file";
      spill.write(head, 0);
    }
    return true;
  }

  /** The collected content: the whole file, or its start. Valid until the next file is collected. */
  access(): RandomAccess {
    const { size, spill } = this.#options;
    return this.#into === "file" ? spill.access(size) : { ...accessBytes(this.#into), size };
  }
}
