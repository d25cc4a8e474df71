/**
 * An entry of a layer, before its content is read.
 * @module
 */
import type { TarType } from "../tar/encode.ts";

/** The result of `lstat` for a host file, compared when the file is opened and after the build. */
export interface HostStat {
  /** Absolute host path. */
  readonly path: string;
  /** Length in bytes. */
  readonly size: number;
  /** Inode number; 0 if the host has none. */
  readonly ino: number;
  /** Device number. */
  readonly dev: number;
  /** Number of hard links. */
  readonly links: number;
  /** Modification time, in ms. */
  readonly mtime: number;
  /** Change time of the inode, in ms (Deno has a resolution of seconds). */
  readonly ctime: number;
}

/** Whether a file is unchanged according to `lstat`. */
export function isAsBefore(
  now: Pick<Deno.FileInfo, "size" | "ino" | "dev" | "mtime" | "ctime">,
  before: Omit<HostStat, "path" | "links">,
): boolean {
  return now.size === before.size && (now.ino ?? 0) === before.ino &&
    (now.dev ?? 0) === before.dev && (now.mtime?.getTime() ?? 0) === before.mtime &&
    (now.ctime?.getTime() ?? 0) === before.ctime;
}

/** One entry of a layer. */
export interface LayerEntry {
  /** Path in the image without leading slash. */
  readonly path: string;
  /** Type of the entry. */
  readonly type: TarType;
  /** Permission bits to write. */
  readonly mode: number;
  /** User id to write. */
  readonly uid: number;
  /** Group id to write. */
  readonly gid: number;
  /** Target to write, for links; for a hard link, the path of the first name. Otherwise `""`. */
  readonly target: string;
  /** The host file with the content. */
  readonly host?: HostStat;
  /** Generated content. */
  readonly content?: Uint8Array;
}

/**
 * Compares paths by their UTF-8 bytes, that is, by code points. JavaScript's order differs between
 * surrogates and U+E000 to U+FFFF.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { comparePaths } from "./entry.ts";
 *
 * assertEquals(["a/b", "a-b", "\u{1f600}", "\uff5e", "a"].sort(comparePaths), [
 *   "a",
 *   "a-b",
 *   "a/b",
 *   "\uff5e",
 *   "\u{1f600}",
 * ]);
 * ```
 */
export function comparePaths(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x === y) continue;
    const high = isSurrogate(x);
    return high === isSurrogate(y) ? x - y : high ? 1 : -1;
  }
  return a.length - b.length;
}

function isSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdfff;
}

/** Joins a directory (`""` is the root) and a name in the image. */
export function joinPath(directory: string, name: string): string {
  return directory === "" ? name : `${directory}/${name}`;
}

/** The directory of an image path, `""` for one at the root. */
export function parentPath(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf("/")));
}
