/**
 * Where bases are unpacked to install packages: `rootfs/rootfs-<id>` in the cache, as large as the unpacked
 * base. The build holds a lock file next to it, which the kernel releases even if the build is killed.
 * @module
 */
import { join } from "@std/path";
import { describeError, MiseOciError } from "../errors.ts";
import { tryLock } from "./lock.ts";
import { sizeOf } from "./installs.ts";
import { maybeLstat } from "./io_error.ts";
import { readNames } from "./records.ts";

const PREFIX = "rootfs-";
const LOCK = ".lock";
/** A lock file without its directory is that of a build about to make it, unless it is older, in ms. */
const LOCK_GRACE_MS = 60_000;

/** One of them, of a build that runs or was killed. */
export interface RootfsPlace {
  /** Its name. */
  readonly name: string;
  /** Bytes on disk. */
  readonly size: number;
  /** When it was made. */
  readonly lastUsed: Date;
  /** Its directory. */
  readonly path: string;
}

/** Where they are in a cache. */
export function rootfsDirectory(cacheDir: string): string {
  return join(cacheDir, "rootfs");
}

/** Everything there. */
export async function listRootfsPlaces(cacheDir: string): Promise<readonly RootfsPlace[]> {
  const places: RootfsPlace[] = [];
  for (const name of await readNames(rootfsDirectory(cacheDir))) {
    const path = join(rootfsDirectory(cacheDir), name);
    const info = maybeLstat(path);
    if (!isPlace(name) || !info?.isDirectory) continue;
    const lastUsed = info.mtime ?? new Date(0);
    places.push({ name, size: await sizeOf(path), lastUsed, path });
  }
  return places;
}

function isPlace(name: string): boolean {
  return name.startsWith(PREFIX) && !name.endsWith(LOCK);
}

/**
 * Creates a new directory of mode 0700 for a rootfs: the image may have setuid programs and secrets (fault
 * U16). The lock is taken before the directory is created.
 */
export async function makeRootfsPlace(
  workDir: string,
): Promise<AsyncDisposable & { readonly directory: string }> {
  const directory = join(workDir, `${PREFIX}${crypto.randomUUID()}`);
  await Deno.mkdir(workDir, { recursive: true });
  const lock = await Deno.open(directory + LOCK, { createNew: true, write: true });
  await maybeLock(lock);
  await Deno.mkdir(directory, { mode: 0o700 });
  return {
    directory,
    async [Symbol.asyncDispose](): Promise<void> {
      try {
        await removeTree(directory);
        await Deno.remove(directory + LOCK);
      } finally {
        lock.close();
      }
    },
  };
}

/** `false` if another process holds the lock, `undefined` where file systems have none. */
async function maybeLock(file: Deno.FsFile): Promise<boolean | undefined> {
  try {
    return await tryLock(file);
  } catch {
    return undefined;
  }
}

/** Removes a place unless its build runs. @returns whether it is gone. */
export async function removeDeadRootfs(path: string): Promise<boolean> {
  try {
    using lock = await Deno.open(path + LOCK, { write: true, create: true });
    if (await maybeLock(lock) !== true) return false;
    await removeTree(path);
    await Deno.remove(path + LOCK);
    return true;
  } catch {
    // Another process removes it, or it belongs to another user.
    return false;
  }
}

/** Removes what killed builds left below a directory. */
export async function sweepRootfsPlaces(workDir: string): Promise<void> {
  for (const name of await readNames(workDir)) {
    const path = join(workDir, name);
    if (isPlace(name)) await removeDeadRootfs(path);
    else if (name.startsWith(PREFIX)) {
      const place = path.slice(0, -LOCK.length);
      const age = Date.now() - (maybeLstat(path)?.mtime?.getTime() ?? Date.now());
      if (maybeLstat(place) === undefined && age > LOCK_GRACE_MS) await removeDeadRootfs(place);
    }
  }
}

async function removeTree(directory: string): Promise<void> {
  try {
    await Deno.remove(directory, { recursive: true });
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    try {
      openDirectories(directory); // one without write permission keeps its content, unless root asks
      await Deno.remove(directory, { recursive: true });
    } catch (cause) {
      throw new MiseOciError(
        "io",
        `Cannot remove the temporary rootfs "${directory}": ${describeError(cause)}`,
        { hint: "Remove it by hand", cause },
      );
    }
  }
}

function openDirectories(directory: string): void {
  Deno.chmodSync(directory, 0o700);
  for (const entry of Deno.readDirSync(directory)) {
    if (entry.isDirectory) openDirectories(`${directory}/${entry.name}`);
  }
}
