/**
 * Tools that mise installed for platforms other than this machine's: `platforms/<os>-<arch>/data/installs` in
 * the cache. Installs that a build uses are not removed: every such build takes a shared lock before mise
 * lists them, and pruning takes an exclusive one.
 *
 * The time of last use of an install is the mtime of a separate file, because the mtime of the install itself
 * is used to detect that it was replaced.
 * @module
 */
import { basename, dirname, join } from "@std/path";
import { delay, lockShared, tryLock } from "./lock.ts";
import { maybeLstat, maybeSystemCode, withPath, withPathSync } from "./io_error.ts";
import { readNames, touch } from "./records.ts";
import { TEMPORARY_PREFIX, temporaryPath } from "./temp_file.ts";

/** One version of a tool for another platform, or what else mise keeps for that. */
export interface InstallEntry {
  /** `linux-arm64 npm-prettier 3.6.2`; of the rest, the platform alone. */
  readonly name: string;
  /** Bytes on disk. */
  readonly size: number;
  /** When it was last used. */
  readonly lastUsed: Date;
  /** Its directory. */
  readonly path: string;
}

function installsDirectory(cacheDir: string): string {
  return join(cacheDir, "platforms");
}

function lockPath(cacheDir: string): string {
  return join(installsDirectory(cacheDir), "lock");
}

async function openLock(cacheDir: string): Promise<Deno.FsFile> {
  const path = lockPath(cacheDir);
  return await withPath("lock", path, async () => {
    await Deno.mkdir(dirname(path), { recursive: true });
    return await Deno.open(path, { read: true, write: true, create: true });
  });
}

/** Keeps installs from being removed; waits while some are. @throws {MiseOciError} `io`. */
export async function holdInstalls(cacheDir: string): Promise<AsyncDisposable> {
  const file = await openLock(cacheDir);
  try {
    await lockShared(file);
  } catch (error) {
    // A file system without locks: nothing can be pruned there either.
    if (maybeSystemCode(error) === undefined) throw error;
  }
  return {
    [Symbol.asyncDispose]: () => {
      file.close();
      return Promise.resolve();
    },
  };
}

/**
 * Takes the lock of the installs in one directory. For a shared lock, a missing lock file is not created.
 *
 * @throws {MiseOciError} `io`; the signal's reason if that is aborted.
 */
export async function lockInstall(
  path: string,
  kind: "shared" | "exclusive",
  options: { readonly signal?: AbortSignal; readonly onWait?: () => void } = {},
): Promise<AsyncDisposable> {
  const nothing = { [Symbol.asyncDispose]: () => Promise.resolve() };
  if (kind === "shared" && maybeLstat(path) === undefined) return nothing;
  const file = await withPath("lock", path, async () => {
    await Deno.mkdir(dirname(path), { recursive: true });
    return await Deno.open(path, { read: true, write: true, create: true });
  });
  const release = (): Promise<void> => Promise.resolve(file.close());
  try {
    for (let pause = 0; !await tryLock(file, kind === "exclusive"); pause = 200) {
      if (pause === 0) options.onWait?.();
      await delay(Math.max(20, pause), options.signal);
    }
  } catch (error) {
    // A file system without locks.
    if (maybeSystemCode(error) === undefined) {
      file.close();
      throw error;
    }
  }
  return { [Symbol.asyncDispose]: release };
}

/** Where it is noted that an install is used: `PLATFORM/used/TOOL VERSION`. */
function usePath(install: string): string {
  const platform = join(install, "../../../..");
  return join(platform, "used", `${basename(dirname(install))} ${basename(install)}`);
}

/**
 * Records that installs are used now. @param paths their directories; those outside of a platform's are
 * ignored.
 */
export function useInstalls(cacheDir: string, paths: readonly string[]): void {
  const root = installsDirectory(cacheDir);
  // PLATFORM/used/NAME is three below the root exactly for PLATFORM/data/installs/TOOL/VERSION.
  const uses = paths.map(usePath).filter((use) => dirname(dirname(dirname(use))) === root);
  const directories = new Set(uses.map(dirname));
  for (const directory of directories) {
    if (maybeLstat(directory) !== undefined) continue;
    withPathSync("create", directory, () => Deno.mkdirSync(directory, { recursive: true }));
  }
  for (const use of uses) {
    const options = { write: true, create: true };
    withPathSync("write", use, () => Deno.openSync(use, options).close());
    touch(use);
  }
  for (const directory of directories) touch(directory);
}

/** Bytes of the files below a directory; files that disappear in the meantime are not counted. */
export async function sizeOf(path: string): Promise<number> {
  const info = maybeLstat(path);
  if (info === undefined) return 0;
  if (!info.isDirectory) return info.size;
  let size = 0;
  for (const name of await readNames(path)) size += await sizeOf(join(path, name));
  return size;
}

async function listPlatform(directory: string): Promise<InstallEntry[]> {
  const platform = basename(directory);
  const installs = join(directory, "data", "installs");
  const entries: InstallEntry[] = [];
  for (const tool of await readNames(installs)) {
    for (const version of await readNames(join(installs, tool))) {
      const path = join(installs, tool, version);
      const info = maybeLstat(path);
      if (!info?.isDirectory) continue;
      const lastUsed = (maybeLstat(usePath(path)) ?? info).mtime ?? new Date(0);
      const name = `${platform} ${tool} ${version}`;
      entries.push({ name, size: await sizeOf(path), lastUsed, path });
    }
  }
  const rest = await sizeOf(directory) - entries.reduce((sum, { size }) => sum + size, 0);
  const info = maybeLstat(join(directory, "used")) ?? maybeLstat(directory);
  const lastUsed = info?.mtime ?? new Date(0);
  return [...entries, { name: platform, size: rest, lastUsed, path: directory }];
}

/** Every install for another platform, and after those of a platform what else mise keeps for it. */
export async function listInstalls(cacheDir: string): Promise<readonly InstallEntry[]> {
  const root = installsDirectory(cacheDir);
  const entries: InstallEntry[] = [];
  for (const name of await readNames(root)) {
    const path = join(root, name);
    if (name.startsWith(TEMPORARY_PREFIX)) continue;
    if (maybeLstat(path)?.isDirectory) entries.push(...await listPlatform(path));
  }
  return entries;
}

/** Removes installs. Dispose of it: builds wait until then. */
export interface InstallRemover extends Disposable {
  /**
   * Removes an entry of {@linkcode listInstalls}, completely or not at all. The entry of a platform itself is
   * removed only if no install is left.
   * @returns whether it is gone.
   */
  remove(entry: InstallEntry): Promise<boolean>;
}

/** Lets installs be removed, unless a build uses some: then there is no remover. */
export async function maybeInstallRemover(cacheDir: string): Promise<InstallRemover | undefined> {
  const root = installsDirectory(cacheDir);
  if (maybeLstat(root) === undefined) return undefined;
  const file = await openLock(cacheDir);
  try {
    if (await tryLock(file)) {
      // What a removal that was killed has left.
      for (const name of await readNames(root)) {
        if (name.startsWith(TEMPORARY_PREFIX)) await removeTree(join(root, name));
      }
      return { remove: (entry) => remove(root, entry), [Symbol.dispose]: () => file.close() };
    }
  } catch (error) {
    if (maybeSystemCode(error) === undefined) throw error;
  }
  file.close();
  return undefined;
}

async function removeTree(path: string): Promise<void> {
  await Deno.remove(path, { recursive: true });
}

async function remove(root: string, { path, lastUsed }: InstallEntry): Promise<boolean> {
  const isPlatform = dirname(path) === root;
  if (isPlatform && (await listPlatform(path)).length > 1) return false;
  const use = usePath(path);
  const used = isPlatform ? undefined : maybeLstat(use);
  if (used !== undefined && used.mtime?.getTime() !== lastUsed.getTime()) return false;
  try {
    // Renamed first, so that mise never sees a partly removed install.
    const gone = temporaryPath(root);
    await Deno.rename(path, gone);
    await removeTree(gone);
    if (used !== undefined) await removeUse(use);
    return true;
  } catch (error) {
    if (maybeSystemCode(error) === undefined) throw error;
    return false;
  }
}

/** Forgets when an install was used; when its platform was is not changed by that. */
async function removeUse(use: string): Promise<void> {
  const time = maybeLstat(dirname(use))?.mtime ?? new Date(0);
  await Deno.remove(use);
  await Deno.utime(dirname(use), time, time);
}
