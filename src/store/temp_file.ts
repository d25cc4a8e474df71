/**
 * Files that get their name when they are whole. A temporary file lives in the directory of its final
 * name (a rename never crosses file systems) and is locked while it is written, so that a later run
 * can tell what a killed one left from what another process is writing now.
 * @module
 */
import { MiseOciError } from "../errors.ts";
import { dirname, join } from "@std/path";
import { type Disk, realDisk } from "./disk.ts";
import { stillNamed, tryLock } from "./lock.ts";
import { ioError, maybeSystemCode, withPath } from "./io_error.ts";

/** How the name of every temporary file begins. */
export const TEMPORARY_PREFIX = ".tmp-";

/** Error codes of file systems without locks. */
const NO_LOCKS = new Set(["ENOTSUP", "EOPNOTSUPP", "ENOLCK", "ENOSYS", "EINVAL"]);

/** A new path for a temporary file in a directory. */
export function temporaryPath(directory: string): string {
  return join(directory, TEMPORARY_PREFIX + crypto.randomUUID());
}

/** Where a file system has no locks, no sweep takes one either: temporary files stay, live or stale. */
async function lockIfPossible(file: Deno.FsFile): Promise<boolean> {
  try {
    return await tryLock(file);
  } catch (error) {
    if (NO_LOCKS.has(maybeSystemCode(error) ?? "")) return true;
    throw error;
  }
}

async function createLocked(directory: string): Promise<{ path: string; file: Deno.FsFile }> {
  for (;;) {
    const path = temporaryPath(directory);
    const file = await withPath(
      "create",
      path,
      () => Deno.open(path, { read: true, write: true, createNew: true }),
    );
    // Another process may sweep between these two calls; then the name is gone and a new one is made.
    try {
      if (await lockIfPossible(file) && await stillNamed(file, path)) return { path, file };
    } catch (error) {
      file.close();
      await Deno.remove(path).catch(() => {});
      throw ioError(error, "lock", path);
    }
    file.close();
  }
}

/** After this many bytes the written data is flushed to the device, while more is written. */
const FLUSH_BYTES = 16 << 20;

/**
 * Flushes a file that is being written, through a second file handle: in Deno a write waits for a flush of
 * the same handle. Errors are reported by the flush at the end.
 */
async function flushAhead(path: string): Promise<void> {
  try {
    using file = await Deno.open(path, { write: true });
    await file.syncData();
  } catch {
    // The flush at the end meets the same.
  }
}

/** A file that is being written under a temporary name. */
export class TempFile {
  readonly #path: string;
  readonly #disk: Disk;
  #file: Deno.FsFile | undefined;
  /** Bytes that no flush was begun for. */
  #unflushed = 0;
  #flushing: Promise<void> | undefined;

  private constructor(path: string, file: Deno.FsFile, disk: Disk) {
    this.#path = path;
    this.#file = file;
    this.#disk = disk;
  }

  /** Creates an empty file in `directory`, which must exist. @throws {MiseOciError} `io`. */
  static async create(directory: string, disk: Disk = realDisk): Promise<TempFile> {
    const { path, file } = await createLocked(directory);
    return new TempFile(path, file, disk);
  }

  /** The temporary path. */
  get path(): string {
    return this.#path;
  }

  /** Whether it can still be written: not committed, not aborted. */
  get isOpen(): boolean {
    return this.#file !== undefined;
  }

  /** The open file. @throws {MiseOciError} `io` after a commit or abort. */
  #open(): Deno.FsFile {
    if (this.#file !== undefined) return this.#file;
    throw new MiseOciError("io", `Cannot write "${this.#path}": it was closed before`);
  }

  /** Appends bytes. @throws {MiseOciError} `io`; the file is gone then. */
  async write(chunk: Uint8Array): Promise<void> {
    const file = this.#open();
    try {
      for (let offset = 0; offset < chunk.length;) {
        offset += await file.write(offset === 0 ? chunk : chunk.subarray(offset));
      }
      this.#flushSome(chunk.length);
    } catch (error) {
      await this.abort();
      throw ioError(error, "write", this.#path);
    }
  }

  /** Of a large blob only the end is left to be flushed when it is whole. */
  #flushSome(bytes: number): void {
    this.#unflushed += bytes;
    if (this.#unflushed < FLUSH_BYTES || this.#flushing !== undefined) return;
    this.#unflushed = 0;
    this.#flushing = flushAhead(this.#path).finally(() => this.#flushing = undefined);
  }

  /**
   * Flushes the file and renames it to its final name, in the same directory, replacing an existing file. The
   * name itself is durable once its directory is flushed.
   * @returns what the file is now.
   * @throws {MiseOciError} `io`; the file is gone then.
   */
  async commit(to: string, options: { durable?: boolean } = {}): Promise<Deno.FileInfo> {
    const file = this.#open();
    try {
      // Windows renames no file that is open.
      await this.#flushing;
      if (options.durable ?? true) await this.#disk.sync(file, to);
      await this.#disk.rename(this.#path, to);
      this.#file = undefined;
      const info = await file.stat();
      file.close();
      return info;
    } catch (error) {
      await this.abort();
      throw ioError(error, "write", to);
    }
  }

  /** Removes the file; never fails, does nothing after a commit. */
  async abort(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    if (file === undefined) return;
    await this.#flushing;
    await Deno.remove(this.#path).catch(() => {});
    file.close();
  }
}

/** How {@linkcode writeFileAtomic} writes. */
export interface AtomicOptions {
  /** The disk; a test may give its own. */
  readonly disk?: Disk;
  /** Flushes content and name before it returns. Default: true. */
  readonly durable?: boolean;
}

/** Writes a small file so that its path names the old content or the new, never a part of it. */
export async function writeFileAtomic(
  path: string,
  content: Uint8Array,
  options: AtomicOptions = {},
): Promise<void> {
  const { disk = realDisk, durable = true } = options;
  const directory = dirname(path);
  const file = await TempFile.create(directory, disk);
  await file.write(content);
  await file.commit(path, { durable });
  if (durable) await disk.syncDirectory(directory);
}

/**
 * Removes the temporary files that killed runs left in a directory; those another process is writing
 * stay. What cannot be removed is left for the next time.
 * @returns how many were removed.
 */
export async function sweepTemporaries(directory: string): Promise<number> {
  let removed = 0;
  try {
    for await (const entry of Deno.readDir(directory)) {
      if (!entry.isFile || !entry.name.startsWith(TEMPORARY_PREFIX)) continue;
      const path = join(directory, entry.name);
      using file = await Deno.open(path, { read: true, write: true });
      if (!await tryLock(file) || !await stillNamed(file, path)) continue;
      await Deno.remove(path);
      removed++;
    }
  } catch {
    // Cleaning up must not fail: any problem with the directory shows when it is used.
  }
  return removed;
}

/**
 * Tries to write to a directory. Only that shows whether one can: permissions, read-only mounts and
 * quotas are many.
 *
 * @throws {MiseOciError} `io` naming the directory.
 */
export async function checkWritable(directory: string): Promise<void> {
  await (await TempFile.create(directory)).abort();
}
