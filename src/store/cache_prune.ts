/**
 * What is in the cache, and making it smaller.
 *
 * Pruning never removes entries of a running build: every build holds a lease, every use of an entry sets its
 * time, and entries used since the start of the oldest live lease are kept. Immediately before an entry is
 * removed, its time is read again (for a blob under the lock of its stamp, which uses take too), and if it
 * was used since it was listed, it is kept. Installs for other platforms have a separate lock
 * (`installs.ts`).
 * @module
 */
import { type Descriptor, isDigest, parseDigest, parseManifest } from "../oci/mod.ts";
import { join } from "@std/path";
import { maybeLstat } from "./io_error.ts";
import type { CacheBlobs } from "./cache_blobs.ts";
import { type InstallRemover, listInstalls, maybeInstallRemover } from "./installs.ts";
import { oldestLease } from "./lease.ts";
import { readNames, Records } from "./records.ts";
import { listRootfsPlaces, removeDeadRootfs } from "./rootfs_places.ts";

/** One thing in the cache. */
export interface CacheEntry {
  /**
   * `blob`: bytes by digest. `layer`, `manifest`, `document`: records about them. `install`: a tool for
   * another platform. `rootfs`: an unpacked base in which packages are, or were, being installed.
   */
  readonly kind: "blob" | "layer" | "manifest" | "document" | "install" | "rootfs";
  /** Digest of a blob, key of a record, platform and tool of an install, name of a rootfs. */
  readonly name: string;
  /** What it is, for people. */
  readonly description: string;
  /** Bytes on disk. */
  readonly size: number;
  /** When it was last used. */
  readonly lastUsed: Date;
  /** Its file; of an install or rootfs its directory. */
  readonly path: string;
}

/** What to remove. Without `olderThanMs` and `maxBytes`: everything that no running build uses. */
export interface PruneOptions {
  /** Removes entries that were not used for this many milliseconds. */
  readonly olderThanMs?: number;
  /** Removes the least recently used entries until at most this many bytes are left. */
  readonly maxBytes?: number;
  /** Only reports what would be removed. */
  readonly dryRun?: boolean;
}

/** What was removed. */
export interface PruneResult {
  /** The entries. */
  readonly removed: readonly CacheEntry[];
  /** Their bytes. */
  readonly bytes: number;
  readonly bytesLeft: number;
}

/** The parts of a cache, as listing and pruning need them. */
export interface CacheParts {
  /** Absolute directory. */
  readonly dir: string;
  /** Its blobs. */
  readonly blobs: CacheBlobs;
  /** Records of built layers. */
  readonly layers: Records;
  /** Records of registries' manifests. */
  readonly manifests: Records;
  /** Absolute directory of the other records, by namespace. */
  readonly documents: string;
}

/** Slack for file systems that keep times in whole seconds, in milliseconds. */
const CLOCK_SLACK_MS = 1000;

async function listRecords(cache: CacheParts, labels: Map<string, string>): Promise<CacheEntry[]> {
  const entries: CacheEntry[] = [];
  for await (const { key: name, value, ...file } of cache.layers.list()) {
    const { label, descriptor } = value as { label?: unknown; descriptor?: Partial<Descriptor> };
    const description = typeof label === "string" ? `layer ${label}` : "built layer";
    if (typeof descriptor?.digest === "string") labels.set(descriptor.digest, description);
    entries.push({ kind: "layer", name, description, ...file });
  }
  for await (const { key: name, value, ...file } of cache.manifests.list()) {
    entries.push({ kind: "manifest", name, description: `manifest of ${name}`, ...file });
    for (const blob of blobsOf((value as { body?: unknown }).body)) {
      if (!labels.has(blob.digest)) labels.set(blob.digest, `${describeBlob(blob)} of ${name}`);
    }
  }
  const { documents } = cache;
  for (const namespace of await readNames(documents)) {
    for await (
      const { key: name, value, ...file } of new Records(
        join(documents, namespace),
        () => {},
      ).list()
    ) {
      entries.push({ kind: "document", name, description: `${namespace} of ${name}`, ...file });
      const digest = (value as { digest?: unknown } | null)?.digest;
      if (typeof digest === "string" && !labels.has(digest)) labels.set(digest, name);
    }
  }
  return entries;
}

function describeBlob(blob: Descriptor): string {
  return blob.mediaType.includes("config") || blob.mediaType.includes("container.image")
    ? "config"
    : "layer";
}

function blobsOf(body: unknown): readonly Descriptor[] {
  try {
    const parsed = parseManifest(String(body), { what: "cached manifest" });
    if (parsed.kind === "index") return [];
    return [parsed.manifest.config, ...parsed.manifest.layers];
  } catch {
    return [];
  }
}

/** Everything in a cache, most recently used first. */
export async function listCache(cache: CacheParts): Promise<CacheEntry[]> {
  const labels = new Map<string, string>();
  const entries = await listRecords(cache, labels);
  for (const name of await readNames(cache.blobs.directory.path)) {
    const text = `sha256:${name}`;
    if (!isDigest(text)) continue;
    const digest = parseDigest(text);
    const path = cache.blobs.directory.pathOf(digest);
    const info = maybeLstat(path);
    if (!info?.isFile) continue;
    entries.push({
      kind: "blob",
      name: digest,
      description: labels.get(digest) ?? "blob",
      size: info.size,
      lastUsed: await cache.blobs.lastUsed(digest),
      path,
    });
  }
  for (const { name, ...install } of await listInstalls(cache.dir)) {
    const description = name.includes(" ")
      ? "tool for another platform"
      : "mise's own files for it";
    entries.push({ kind: "install", name, description, ...install });
  }
  for (const place of await listRootfsPlaces(cache.dir)) {
    entries.push({ kind: "rootfs", description: "base of a packages layer", ...place });
  }
  return entries.sort((a, b) =>
    b.lastUsed.getTime() - a.lastUsed.getTime() || (a.path < b.path ? -1 : 1)
  );
}

async function removeEntry(
  cache: CacheParts,
  entry: CacheEntry,
  installs: InstallRemover | undefined,
): Promise<boolean> {
  const { kind, name, lastUsed, path } = entry;
  if (kind === "install") return await installs?.remove(entry) ?? false;
  if (kind === "rootfs") return await removeDeadRootfs(path);
  if (kind === "blob") return await cache.blobs.removeUnused(parseDigest(name), lastUsed);
  if (maybeLstat(path)?.mtime?.getTime() !== lastUsed.getTime()) return false;
  return await Deno.remove(path).then(() => true, () => false);
}

/** Removes entries, the least recently used first. */
export async function pruneCache(
  cache: CacheParts,
  options: PruneOptions = {},
): Promise<PruneResult> {
  const { olderThanMs, maxBytes, dryRun = false } = options;
  // In this order: a build that used something before it was listed shows its lease after.
  const entries = await listCache(cache);
  const began = await oldestLease(cache.dir);
  using installs = await maybeInstallRemover(cache.dir);
  const now = Date.now();
  const keepSince = began === undefined ? Infinity : began.getTime() - CLOCK_SLACK_MS;
  const all = olderThanMs === undefined && maxBytes === undefined;
  let left = entries.reduce((sum, { size }) => sum + size, 0);
  const removed: CacheEntry[] = [];
  for (const entry of entries.reverse()) {
    // A time in the future (the clock was wrong) must not keep an entry for ever.
    const used = Math.min(entry.lastUsed.getTime(), now);
    const old = olderThanMs !== undefined && now - used >= olderThanMs;
    const tooMuch = maxBytes !== undefined && left > maxBytes;
    if (!(all || old || tooMuch) || used >= keepSince) continue;
    if (entry.kind === "install" && installs === undefined) continue;
    if (!dryRun && !await removeEntry(cache, entry, installs)) continue;
    removed.push(entry);
    left -= entry.size;
  }
  return { removed, bytes: removed.reduce((sum, { size }) => sum + size, 0), bytesLeft: left };
}
