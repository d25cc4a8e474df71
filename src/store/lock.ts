/**
 * Locks between processes: one build at a time changes the index of a layout.
 * @module
 */
import { MiseOciError } from "../errors.ts";
import { dirname, join } from "@std/path";
import { delay } from "./delay.ts";
import { stillNamed, tryLock } from "./flock.ts";
import { withPath } from "./io_error.ts";

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
