/**
 * A snapshot of a rootfs, to be compared with another one.
 * @module
 */
import { streamingSha256 } from "../oci/mod.ts";
import type { Rootfs } from "../rootfs/rootfs.ts";

/** One file, directory, link or special file. */
export interface SnapshotEntry {
  /** What it is. */
  readonly type: "file" | "directory" | "symlink" | "special";
  /** Permission bits with setuid, setgid and sticky; of a link always 0777. */
  readonly mode: number;
  /** User id. */
  readonly uid: number;
  /** Group id. */
  readonly gid: number;
  /** Bytes of content. */
  readonly size: number;
  /** SHA-256 of a file's content, target of a link, otherwise empty. */
  readonly content: string;
}

/** The entries of a rootfs by path; the root itself has the empty path. */
export type Snapshot = ReadonlyMap<string, SnapshotEntry>;

/**
 * Reads everything in a rootfs, including contents. Times are not included: they do not affect what a file
 * is, and in a layer all files have the same time.
 *
 * @throws the signal's reason if it is aborted.
 */
export async function takeSnapshot(rootfs: Rootfs, signal?: AbortSignal): Promise<Snapshot> {
  const entries = new Map<string, SnapshotEntry>();
  const buffer = new Uint8Array(256 * 1024);
  const pending = [""];
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    const entry = readEntry(rootfs, path, buffer);
    entries.set(path, entry);
    if (entry.type === "directory") {
      for (const { name } of Deno.readDirSync(rootfs.hostPath(path))) {
        pending.push(path === "" ? name : `${path}/${name}`);
      }
    }
    if (entries.size % 2000 === 0) {
      await new Promise((resolve) => setTimeout(resolve, 0));
      signal?.throwIfAborted();
    }
  }
  return entries;
}

function readEntry(rootfs: Rootfs, path: string, buffer: Uint8Array): SnapshotEntry {
  const hostPath = rootfs.hostPath(path);
  const info = Deno.lstatSync(hostPath);
  const owner = { uid: info.uid ?? 0, gid: info.gid ?? 0 };
  const mode = (info.mode ?? 0) & 0o7777;
  if (info.isSymlink) {
    const content = Deno.readLinkSync(hostPath);
    return { type: "symlink", mode: 0o777, ...owner, size: 0, content };
  }
  if (info.isDirectory) return { type: "directory", mode, ...owner, size: 0, content: "" };
  if (!info.isFile) return { type: "special", mode, ...owner, size: 0, content: "" };
  return { type: "file", mode, ...owner, size: info.size, content: hashFile(hostPath, buffer) };
}

function hashFile(hostPath: string, buffer: Uint8Array): string {
  const hash = streamingSha256();
  using file = Deno.openSync(hostPath);
  for (let read = file.readSync(buffer); read !== null; read = file.readSync(buffer)) {
    hash.update(buffer.subarray(0, read));
  }
  return hash.digest("hex");
}

/** Whether two entries are the same but for their times. */
export function sameEntry(a: SnapshotEntry, b: SnapshotEntry): boolean {
  return a.type === b.type && a.mode === b.mode && a.uid === b.uid && a.gid === b.gid &&
    a.size === b.size && a.content === b.content;
}
