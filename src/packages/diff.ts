/**
 * The difference between two moments of a rootfs, as the entries of a layer (image-spec, layer.md
 * "Change Types").
 *
 * Files that an installation leaves behind and that are not part of any package are not in the layer: caches,
 * logs, locks, backups, and files that are random or depend on the time or the machine. So the same packages
 * give the same bytes (spec.md, section 10). Nothing is deleted: a path that is left out keeps the base's
 * content, or stays absent.
 * @module
 */
import type { ManagerName } from "../oci/mod.ts";
import { dirname, join } from "@std/path/posix";
import type { HostStat, LayerEntry } from "../layer/mod.ts";
import { whiteout } from "../layer/tree/entries.ts";
import { statNumbers } from "../layer/tree/tree_stat.ts";
import { streamingSha256 } from "../oci/mod.ts";
import { isWithin } from "../paths.ts";
import type { Rootfs } from "../rootfs/rootfs.ts";
import { managerOf } from "./managers/mod.ts";

/** One file, directory, link or special file. */
interface SnapshotEntry {
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
type Snapshot = ReadonlyMap<string, SnapshotEntry>;

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

/** How a changed path is treated. */
type Treatment =
  /** It goes into the layer. */
  | "keep"
  /** The base's stays, or nothing. */
  | "drop"
  /** The same, with a warning: it is a secret generated during installation. */
  | "drop-secret"
  /** An empty file is added to the layer if the base has none. */
  | "empty";

/** Directories that are never in a layer, and that are mount points during installation. */
const MOUNTED = ["dev", "proc", "sys", "run", "tmp"];

/** Directories whose content is dropped, for every manager. */
const DIRECTORIES = ["var/tmp", "var/cache/ldconfig", "var/cache/man", "root/.cache"];

/** Single paths that are dropped. */
const PATHS: readonly RegExp[] = [
  /^etc\/(?:resolv\.conf|hosts|hostname|\.pwd\.lock)$/,
  /^etc\/(?:passwd|group|shadow|gshadow|subuid|subgid)-$/,
  /^var\/lib\/dbus\/machine-id$/,
  /^var\/lib\/systemd\/(?:random-seed|credential\.secret)$/,
];

/** Private keys that packages generate during installation; in an image, everyone would have them. */
const SECRETS: readonly RegExp[] = [
  /^etc\/ssh\/ssh_host_[a-z0-9]+_key(?:\.pub)?$/,
  /^etc\/ssl\/private\/ssl-cert-snakeoil\.key$/,
  /^etc\/ssl\/certs\/ssl-cert-snakeoil\.pem$/,
];

/**
 * What becomes of a path that an installation changed or created.
 *
 * @param after the current entry; `undefined` if it was removed.
 */
function treat(
  path: string,
  after: SnapshotEntry | undefined,
  manager: ManagerName,
): Treatment {
  if (MOUNTED.some((directory) => isWithin(path, directory))) return "drop";
  const { caches: own, state } = managerOf(manager);
  const caches = [...DIRECTORIES, ...own];
  if (caches.some((directory) => path.startsWith(`${directory}/`))) return "drop";
  if ([...PATHS, ...state].some((pattern) => pattern.test(path))) return "drop";
  if (isWithin(path, "var/log")) {
    // Packages own the directories there, and expect some files with their owner.
    const isLog = after === undefined || after.type === "file" && after.size > 0;
    return isLog ? "drop" : "keep";
  }
  if (path === "etc/machine-id") return after?.type === "file" ? "empty" : "drop";
  if (after?.type === "file" && SECRETS.some((pattern) => pattern.test(path))) {
    return "drop-secret";
  }
  return "keep";
}

export interface Difference {
  /** Entries in the order of the archive, whiteouts among them. */
  readonly entries: readonly LayerEntry[];
  /** Warnings for the user, one sentence each. */
  readonly warnings: readonly string[];
}

/** What {@linkcode diffSnapshots} compares. */
export interface DiffOptions {
  /** The rootfs as it is now. */
  readonly rootfs: Rootfs;
  /** Whose caches and logs are left out. */
  readonly manager: ManagerName;
}

/**
 * What has changed between two snapshots, by content, mode, owner and type; what was removed becomes a
 * whiteout. Directories that did not change are not listed, but for
 * parents that are not mode 0755 of root: docker and podman would make them so.
 */
export function diffSnapshots(
  before: Snapshot,
  after: Snapshot,
  options: DiffOptions,
): Difference {
  const entries: LayerEntry[] = [];
  const secrets = new Set<string>();
  let special = 0;
  for (const [path, entry] of after) {
    const old = before.get(path);
    if (path === "" || old !== undefined && sameEntry(old, entry)) continue;
    const treatment = treat(path, entry, options.manager);
    if (treatment === "drop-secret") secrets.add(path);
    if (treatment === "drop" || treatment === "drop-secret") continue;
    if (treatment === "empty") {
      if (old === undefined) entries.push(emptyFile(path, entry));
    } else if (entry.type === "special") special++;
    else entries.push(layerEntry(path, entry, options.rootfs));
  }
  const kept = entries.filter(({ path, type, target }) =>
    type !== "symlink" || !secrets.has(join("/", dirname(path), target).slice(1))
  );
  kept.push(...whiteouts(before, after, options));
  kept.push(...reservedParents(kept, after, options));
  const names = [...secrets].sort().map((path) => `"/${path}"`).join(", ");
  const warnings = [
    ...(special > 0 ? [`Left out ${special} device, FIFO or socket files of packages`] : []),
    ...(secrets.size > 0
      ? [`Left out keys that packages made: ${names}; make them where they are used`]
      : []),
  ];
  return { entries: kept, warnings };
}

function whiteouts(before: Snapshot, after: Snapshot, { manager }: DiffOptions): LayerEntry[] {
  const found: LayerEntry[] = [];
  for (const path of before.keys()) {
    if (after.has(path) || treat(path, undefined, manager) !== "keep") continue;
    const slash = path.lastIndexOf("/");
    const directory = path.slice(0, Math.max(0, slash));
    // Entries below a removed directory, or one that is no longer a directory, need no whiteout.
    if (after.get(directory)?.type !== "directory") continue;
    found.push(whiteout(path, { uid: 0, gid: 0 }));
  }
  return found;
}

function reservedParents(
  entries: readonly LayerEntry[],
  after: Snapshot,
  { rootfs }: DiffOptions,
): LayerEntry[] {
  const listed = new Set(entries.map(({ path }) => path));
  const found: LayerEntry[] = [];
  for (const { path } of entries) {
    for (let parent = dirname(path); parent !== "."; parent = dirname(parent)) {
      const entry = after.get(parent);
      if (listed.has(parent) || entry?.type !== "directory") continue;
      listed.add(parent);
      const { mode, uid, gid } = entry;
      if (mode !== 0o755 || uid !== 0 || gid !== 0) found.push(layerEntry(parent, entry, rootfs));
    }
  }
  return found;
}

function emptyFile(path: string, { mode, uid, gid }: SnapshotEntry): LayerEntry {
  return { path, type: "file", mode, uid, gid, target: "", content: new Uint8Array() };
}

function layerEntry(path: string, entry: SnapshotEntry, rootfs: Rootfs): LayerEntry {
  const { type, mode, uid, gid } = entry;
  if (type === "special") throw new Error(`"${path}" cannot be part of a layer`);
  const target = type === "symlink" ? entry.content : "";
  const host = type === "file" ? { host: hostStat(rootfs.hostPath(path)) } : {};
  return { path, type, mode, uid, gid, target, ...host };
}

function hostStat(path: string): HostStat {
  return { ...statNumbers(Deno.lstatSync(path)), path };
}
