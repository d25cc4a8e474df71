/**
 * `flock` on open files. The kernel releases such a lock when its holder dies, so a crash never leaves
 * one behind.
 * @module
 */
import { delay } from "./delay.ts";

/** How long Deno without `tryLock` (2.4) waits before it calls a lock taken, in milliseconds. */
const PROBE_MS = 50;

type WithTryLock = Deno.FsFile & {
  tryLock?: (exclusive?: boolean) => Promise<boolean>;
  tryLockSync?: (exclusive?: boolean) => boolean;
};

/**
 * Takes a shared lock, immediately if it is free, as it nearly always is. Throws on file systems without
 * locks.
 */
export async function lockShared(file: Deno.FsFile): Promise<void> {
  const { tryLockSync } = file as WithTryLock;
  if (tryLockSync?.call(file, false) !== true) await file.lock(false);
}

/**
 * Locks an open file if no other process holds the lock; otherwise returns `false`. Then the file can only be
 * used to try again, or be closed: without `tryLock` the request for the lock stays pending, and the next
 * operation on the file waits for it. Closing the file unlocks it. Throws on file systems without locks.
 */
export async function tryLock(file: Deno.FsFile, exclusive = true): Promise<boolean> {
  const { tryLock } = file as WithTryLock;
  if (tryLock !== undefined) return await tryLock.call(file, exclusive);
  const locked = file.lock(exclusive).then(() => true);
  locked.catch(() => {});
  const probe = new AbortController();
  const late = delay(PROBE_MS, probe.signal).then(() => false, () => false);
  try {
    return await Promise.race([locked, late]);
  } finally {
    probe.abort();
  }
}

/** Whether `path` still names the open file (it was not replaced or removed since it was opened). */
export async function stillNamed(file: Deno.FsFile, path: string): Promise<boolean> {
  try {
    const [open, named] = [await file.stat(), await Deno.lstat(path)];
    return open.ino === named.ino && open.dev === named.dev;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
