/**
 * Leases show pruning which builds are running. Each build holds the lock of its own file, whose mtime is the
 * start of the build; entries used since the oldest start are kept. The lease of a process that died is
 * unlocked, and therefore ignored.
 * @module
 */
import { join } from "@std/path";
import { stillNamed, tryLock } from "./lock.ts";
import { maybeLstat, maybeSystemCode, withPath } from "./io_error.ts";
import { readNames } from "./records.ts";

/** A running build's hold on the cache. */
export interface Lease extends AsyncDisposable {
  /** Ends it; may be called twice. */
  release(): Promise<void>;
}

function leaseDirectory(cacheDir: string): string {
  return join(cacheDir, "leases");
}

/** Takes a lease on a cache. @throws {MiseOciError} `io`. */
export async function takeLease(cacheDir: string): Promise<Lease> {
  const directory = leaseDirectory(cacheDir);
  await withPath("create", directory, () => Deno.mkdir(directory, { recursive: true }));
  for (;;) {
    const path = join(directory, crypto.randomUUID());
    const file = await withPath(
      "create",
      path,
      () => Deno.open(path, { write: true, createNew: true }),
    );
    // A prune between these two calls treats it as dead and removes it; then the next attempt creates a new
    // one.
    if (!await tryLock(file) || !await stillNamed(file, path)) {
      file.close();
      continue;
    }
    let held = true;
    const release = async (): Promise<void> => {
      if (!held) return;
      held = false;
      await Deno.remove(path).catch(() => {});
      file.close();
      // Files of killed builds are removed at the end of the next build.
      await oldestLease(cacheDir).catch(() => {});
    };
    return { release, [Symbol.asyncDispose]: release };
  }
}

/** When the oldest build that is still running began; `undefined` if none is. Removes dead leases. */
export async function oldestLease(cacheDir: string): Promise<Date | undefined> {
  const directory = leaseDirectory(cacheDir);
  let oldest: Date | undefined;
  for (const name of await readNames(directory)) {
    const path = join(directory, name);
    try {
      const info = maybeLstat(path);
      if (!info?.isFile) continue;
      using file = await Deno.open(path, { read: true, write: true });
      if (await tryLock(file)) {
        await Deno.remove(path);
        continue;
      }
      const began = info.mtime ?? new Date(0);
      if (oldest === undefined || began < oldest) oldest = began;
    } catch (error) {
      if (maybeSystemCode(error) === undefined) throw error;
    }
  }
  return oldest;
}
