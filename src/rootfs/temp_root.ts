/**
 * The temporary place of a rootfs.
 * @module
 */
import { describeError, MiseOciError } from "../errors.ts";
import { tryLock } from "../store/flock.ts";
import { Rootfs } from "./rootfs.ts";

const PREFIX = "rootfs-";
const LOCK = ".lock";

/** A rootfs that is gone once disposed of. */
export interface TemporaryRootfs extends AsyncDisposable {
  /** The rootfs, empty at first. */
  readonly rootfs: Rootfs;
  /** Absolute directory of mode 0700 around it; for files of the build itself. */
  readonly directory: string;
}

/**
 * Creates an empty rootfs inside a new directory that only this user can enter, because the image may
 * have setuid programs and secrets (fault U16). Those that killed builds left behind are removed first:
 * each has a lock file beside it that its build held locked, and the kernel lets go of it.
 *
 * @throws {MiseOciError} `io` if the directory cannot be created, or removed at the end.
 */
export async function createTemporaryRootfs(workDir: string): Promise<TemporaryRootfs> {
  const directory = `${workDir}/${PREFIX}${crypto.randomUUID()}`;
  let lock: Deno.FsFile;
  try {
    await Deno.mkdir(workDir, { recursive: true });
    await sweep(workDir);
    lock = await Deno.open(directory + LOCK, { createNew: true, write: true });
    await maybeLock(lock);
    await Deno.mkdir(directory, { mode: 0o700 });
    await Deno.mkdir(`${directory}/root`, { mode: 0o755 });
  } catch (cause) {
    throw new MiseOciError(
      "io",
      `Cannot create a temporary rootfs in "${workDir}": ${describeError(cause)}`,
      { cause },
    );
  }
  return {
    directory,
    rootfs: new Rootfs(`${directory}/root`),
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

/** `false` if somebody else holds the lock, `undefined` where file systems have none. */
async function maybeLock(file: Deno.FsFile): Promise<boolean | undefined> {
  try {
    return await tryLock(file);
  } catch {
    return undefined;
  }
}

/** Removes what no living build holds. A build locks its file before it makes its directory. */
async function sweep(workDir: string): Promise<void> {
  const names = Array.from(Deno.readDirSync(workDir), ({ name }) => name);
  for (const name of names) {
    if (!name.startsWith(PREFIX) || name.endsWith(LOCK)) continue;
    const path = `${workDir}/${name}`;
    try {
      using lock = await Deno.open(path + LOCK, { write: true });
      if (await maybeLock(lock) !== true) continue;
      await removeTree(path);
      await Deno.remove(path + LOCK);
    } catch {
      // Somebody else removes it, or it belongs to another user: it is not in this build's way.
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
