/**
 * Locks between processes: one build at a time changes the index of a layout.
 *
 * `flock` on open files: the kernel releases such a lock when its holder dies, so a crash never leaves one
 * behind.
 * @module
 */
import { dirname, join } from "@std/path";
import { MiseOciError } from "../errors.ts";
import { withPath } from "./io_error.ts";

/** Resolves after `ms` milliseconds. @throws the signal's reason as soon as it is aborted. */
export function delay(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const abort = (): void => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", abort);
      resolve();
    }, ms);
    signal?.addEventListener("abort", abort, { once: true });
  });
}

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

/** Name of the lock file in a layout's directory; it exists only while a process holds the lock. */
export const LAYOUT_LOCK_FILE = ".mise-oci.lock";

/** Options of {@linkcode acquireLock}. */
export interface LockOptions {
  /** Ends the wait. */
  readonly signal?: AbortSignal;
  /** How long to wait for another holder, in milliseconds. Default: ten minutes. */
  readonly timeoutMs?: number;
  /** Called once if another process holds the lock; `holder` is the text that it wrote into the file. */
  readonly onWait?: (wait: { readonly path: string; readonly holder: string }) => void;
}

/** A lock that is held. */
export interface Lock extends AsyncDisposable {
  /** The locked file. */
  readonly path: string;
  /** Gives the lock back; may be called twice. */
  release(): Promise<void>;
}

async function openLockFile(path: string): Promise<Deno.FsFile> {
  return await withPath("lock", path, async () => {
    await Deno.mkdir(dirname(path), { recursive: true });
    return await Deno.open(path, { read: true, write: true, create: true });
  });
}

/** What the holder wrote; only ever shown to people, so it is cut and cleaned. */
async function readHolder(path: string): Promise<string> {
  const text = await Deno.readTextFile(path).catch(() => "");
  // deno-lint-ignore no-control-regex
  return text.slice(0, 100).replace(/[\x00-\x1f\x7f]/g, " ").trim() || "another process";
}

function heldLock(path: string, file: Deno.FsFile): Lock {
  let held = true;
  const release = async (): Promise<void> => {
    if (!held) return;
    held = false;
    // First the name, then the lock: a waiting process sees that the name is gone and opens a new file.
    await Deno.remove(path).catch(() => {});
    file.close();
  };
  return { path, release, [Symbol.asyncDispose]: release };
}

/**
 * Takes the lock on `path`, a file created for this purpose. It is released when the holder dies for any
 * reason.
 *
 * @throws {MiseOciError} `io`, naming the holder, if it cannot be taken within the time limit; the signal's
 * reason if that is aborted.
 */
export async function acquireLock(path: string, options: LockOptions = {}): Promise<Lock> {
  const { signal, timeoutMs = 10 * 60_000, onWait } = options;
  const deadline = performance.now() + timeoutMs;
  let pause = 10;
  let told = false;
  for (;;) {
    signal?.throwIfAborted();
    const file = await openLockFile(path);
    try {
      for (;;) {
        if (await withPath("lock", path, () => tryLock(file))) break;
        if (!told) {
          told = true;
          onWait?.({ path, holder: await readHolder(path) });
        }
        if (performance.now() >= deadline) {
          const holder = await readHolder(path);
          throw new MiseOciError("io", `Cannot lock "${path}": held by ${holder}`, {
            hint: "Wait until it is done, or use another output directory",
          });
        }
        await delay(Math.min(pause, Math.max(1, deadline - performance.now())), signal);
        pause = Math.min(pause * 2, 200);
      }
      if (await stillNamed(file, path)) {
        await file.truncate(0);
        await file.write(new TextEncoder().encode(`process ${Deno.pid}\n`));
        return heldLock(path, file);
      }
      file.close();
    } catch (error) {
      file.close();
      throw error;
    }
  }
}

/** Runs `work` while the lock on `path` is held. @throws as {@linkcode acquireLock}. */
export async function withLock<T>(
  path: string,
  work: () => Promise<T>,
  options: LockOptions = {},
): Promise<T> {
  await using _lock = await acquireLock(path, options);
  return await work();
}

/**
 * Locks a layout's directory, so that only one build at a time writes to it. `Layout.setTag` takes the lock
 * itself while it needs it; pass the lock if you already hold it.
 */
export function lockLayout(directory: string, options: LockOptions = {}): Promise<Lock> {
  return acquireLock(join(directory, LAYOUT_LOCK_FILE), options);
}
