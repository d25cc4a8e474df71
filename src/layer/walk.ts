/**
 * Reads the names and the inodes of a host tree, and nothing else: no content is read and nothing but
 * directories is opened.
 *
 * What Deno cannot see is left out of every layer: extended attributes, file capabilities and ACLs
 * (fault L17). Deno gives file times in ms, and the change time in whole seconds.
 * @module
 */
import { MiseOciError } from "../errors.ts";
import type { HostStat } from "./entry.ts";
import { joinPath } from "./entry.ts";
import { ioError, isAccessDenied } from "./errors.ts";

/** Something found in a tree. */
export interface Found {
  /** Path below the root of the walk, `""` for the root itself. */
  readonly path: string;
  /** What it is. */
  readonly type: "file" | "directory" | "symlink";
  /** Mode from disk, type bits removed. */
  readonly mode: number;
  /** User id from disk. */
  readonly uid: number;
  /** Group id from disk. */
  readonly gid: number;
  /** Target of a link as it is on disk, `""` otherwise. */
  readonly target: string;
  /** What `lstat` said. */
  readonly host: HostStat;
}

/** Options of {@linkcode walkTree}. */
export interface WalkOptions {
  /** Whether a path below the root is left out, with everything below it. */
  readonly excluded: (path: string) => boolean;
  /** Told of what is skipped, one sentence each. */
  readonly warn: (text: string) => void;
  /** Collects what may not be read. */
  readonly unreadable: string[];
  /** Stops the walk. */
  readonly signal?: AbortSignal | undefined;
}

/** After so many entries signals and other layers get their turn. */
export const TURN = 2000;

/** Lets signals and other layers have their turn. @throws the signal's reason when aborted. */
export async function giveTurn(signal: AbortSignal | undefined): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 0));
  signal?.throwIfAborted();
}

/**
 * Walks what is at `root` (not a link), calling `found` for the root first and for every directory
 * before what is in it.
 *
 * @throws {MiseOciError} `io` for something that vanishes, `invalid` for a name that is not UTF-8.
 */
export async function walkTree(
  root: string,
  options: WalkOptions & { readonly found: (entry: Found) => void },
): Promise<void> {
  const pending = [""];
  let count = 0;
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    const entry = maybeStat(root, path, options);
    if (entry !== undefined) {
      options.found(entry);
      if (entry.type === "directory") {
        for (const name of listDirectory(entry.host.path, options.unreadable)) {
          const below = joinPath(path, name);
          if (!options.excluded(below)) pending.push(below);
        }
      }
    }
    if (++count % TURN === 0) await giveTurn(options.signal);
  }
}

/**
 * Walks a tree with everything in it.
 *
 * @returns whether all of it can be in a layer.
 * @throws {MiseOciError} as {@linkcode walkTree}.
 */
export async function walkWhole(
  root: string,
  { found, signal }: Pick<WalkOptions, "signal"> & { readonly found: (entry: Found) => void },
): Promise<boolean> {
  const wrong: string[] = [];
  const warn = (text: string): void => void wrong.push(text);
  await walkTree(root, { excluded: () => false, warn, unreadable: wrong, signal, found });
  return wrong.length === 0;
}

function maybeStat(root: string, path: string, options: WalkOptions): Found | undefined {
  const hostPath = path === "" ? root : joinPath(root === "/" ? "" : root, path);
  let info: Deno.FileInfo;
  try {
    info = Deno.lstatSync(hostPath);
  } catch (error) {
    if (isAccessDenied(error)) {
      options.unreadable.push(hostPath);
      return undefined;
    }
    throw ioError(error, "read", hostPath);
  }
  const type = info.isFile ? "file" : info.isDirectory ? "directory" : "symlink";
  if (!info.isFile && !info.isDirectory && !info.isSymlink) {
    options.warn(`Skipped "${hostPath}": ${specialKind(info)} cannot be part of a layer`);
    return undefined;
  }
  if (type === "file" && !isReadable(hostPath, info)) options.unreadable.push(hostPath);
  return {
    path,
    type,
    mode: (info.mode ?? 0) & 0o7777,
    uid: info.uid ?? 0,
    gid: info.gid ?? 0,
    target: type === "symlink" ? readTarget(hostPath) : "",
    host: hostStat(hostPath, info),
  };
}

/** What is remembered of a file's inode. */
export function hostStat(path: string, info: Deno.FileInfo): HostStat {
  return {
    path,
    size: info.size,
    ino: info.ino ?? 0,
    dev: info.dev ?? 0,
    links: info.nlink ?? 1,
    mtime: info.mtime?.getTime() ?? 0,
    ctime: info.ctime?.getTime() ?? 0,
  };
}

function listDirectory(path: string, unreadable: string[]): string[] {
  let names: string[];
  try {
    names = Array.from(Deno.readDirSync(path), ({ name }) => name);
  } catch (error) {
    if (isAccessDenied(error)) {
      unreadable.push(path);
      return [];
    }
    throw ioError(error, "list", path);
  }
  checkUtf8(path, names);
  return names;
}

/**
 * Deno shows every byte that is not UTF-8 as U+FFFD. A name with U+FFFD is taken for what it says only
 * if there is such a file, and only one.
 */
function checkUtf8(directory: string, names: readonly string[]): void {
  const doubtful = names.filter((name) => name.includes("\ufffd"));
  for (const name of doubtful) {
    if (doubtful.filter((other) => other === name).length === 1 && exists(`${directory}/${name}`)) {
      continue;
    }
    throw new MiseOciError(
      "invalid",
      `Cannot read a file in "${directory}": its name, shown as "${name}", is not UTF-8`,
      { hint: "Rename it, or leave it out of what is copied" },
    );
  }
}

function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}

function readTarget(path: string): string {
  let target: string;
  try {
    target = Deno.readLinkSync(path);
  } catch (error) {
    throw ioError(error, "read link", path);
  }
  if (!target.includes("\ufffd")) return target;
  throw new MiseOciError(
    "invalid",
    `Cannot read link "${path}": its target, shown as "${target}", is not UTF-8`,
    { hint: "Point the link somewhere else, or leave it out of what is copied" },
  );
}

/** Modes that everyone can read need no look; others are tried, so that all can be named at once. */
function isReadable(path: string, info: Deno.FileInfo): boolean {
  if (info.mode === null || (info.mode & 0o444) === 0o444) return true;
  try {
    Deno.openSync(path).close();
    return true;
  } catch (error) {
    if (isAccessDenied(error)) return false;
    throw ioError(error, "open", path);
  }
}

function specialKind(info: Deno.FileInfo): string {
  if (info.isFifo) return "a FIFO";
  if (info.isSocket) return "a socket";
  return "a device";
}
