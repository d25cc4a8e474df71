/**
 * The operations that durability depends on, behind one small port so that a test can record their
 * order or stop the program between any two of them.
 * @module
 */
import { ioError, maybeSystemCode, withPath } from "./io_error.ts";

/** The operations whose order decides what survives a crash. Errors name the path. */
export interface Disk {
  /** Flushes a file's content to the device. */
  sync(file: Deno.FsFile, path: string): Promise<void>;
  /** Renames within one directory, replacing an existing file. */
  rename(from: string, to: string): Promise<void>;
  /** Gives the file a second name; fails if there is one already. */
  link(from: string, to: string): Promise<void>;
  /** Flushes a directory: the names in it. */
  syncDirectory(path: string): Promise<void>;
}

/** Error codes of systems on which directories cannot be flushed at all. */
const NO_DIRECTORY_SYNC = new Set(["EINVAL", "EISDIR", "EACCES", "EPERM", "ENOSYS", "EBADF"]);

async function syncDirectory(path: string): Promise<void> {
  try {
    using directory = await Deno.open(path);
    await directory.sync();
  } catch (error) {
    if (NO_DIRECTORY_SYNC.has(maybeSystemCode(error) ?? "")) return;
    throw ioError(error, "flush", path);
  }
}

export const realDisk: Disk = {
  sync: (file, path) => withPath("flush", path, () => file.syncData()),
  rename: (from, to) => withPath("write", to, () => Deno.rename(from, to)),
  // The caller tells apart the reasons why a link cannot be made, so the error stays as it is.
  link: (from, to) => Deno.link(from, to),
  syncDirectory,
};
