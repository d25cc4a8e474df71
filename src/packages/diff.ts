/**
 * The difference between two moments of a rootfs, as the entries of a layer (image-spec, layer.md
 * "Change Types").
 * @module
 */
import type { ManagerName } from "../oci/mod.ts";
import { dirname, join } from "@std/path/posix";
import { whiteout } from "../layer/tree/entries.ts";
import type { HostStat, LayerEntry } from "../layer/mod.ts";
import { statNumbers } from "../layer/tree/tree_stat.ts";
import type { Rootfs } from "../rootfs/rootfs.ts";
import { sameEntry, type Snapshot, type SnapshotEntry } from "./snapshot.ts";
import { treat } from "./transient.ts";

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
