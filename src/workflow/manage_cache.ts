/**
 * `cache ls`, `cache df`, `cache prune` and `cache path`.
 * @module
 */
import {
  cacheDirectory,
  type CacheEntry,
  openCache,
  type PruneOptions,
  type PruneResult,
} from "../store/mod.ts";
import { hostEnv } from "../build/host/environment.ts";

export type { CacheEntry, PruneOptions, PruneResult };

/** How much the entries of one kind take. */
export interface KindUse {
  /** The kind of its entries. */
  readonly kind: CacheEntry["kind"];
  /** How many there are. */
  readonly entries: number;
  /** Their bytes. */
  readonly size: number;
  /** Bytes of those that were not used for a week. */
  readonly unused: number;
}

/** How much the cache takes. */
export interface CacheUse {
  /** Its absolute directory. */
  readonly path: string;
  /** Bytes of everything in it. */
  readonly size: number;
  /** Each kind that there is, the largest first. */
  readonly kinds: readonly KindUse[];
}

/** The cache's absolute directory, which need not exist. @throws {MiseOciError} `usage`. */
export function findCacheDirectory(): string {
  return cacheDirectory(hostEnv);
}

/** What is in the cache, the largest first. */
export async function listCacheEntries(): Promise<readonly CacheEntry[]> {
  const entries = await (await openCache()).list();
  return [...entries].sort((a, b) => b.size - a.size || (a.name < b.name ? -1 : 1));
}

const WEEK_MS = 7 * 24 * 3_600_000;

/** How much the cache takes; `now` in milliseconds since 1970. */
export async function measureCache(now: number = Date.now()): Promise<CacheUse> {
  const entries = await listCacheEntries();
  const bytes = (list: readonly CacheEntry[]): number =>
    list.reduce((sum, { size }) => sum + size, 0);
  const kinds = [...Map.groupBy(entries, ({ kind }) => kind)].map(([kind, list]) => ({
    kind,
    entries: list.length,
    size: bytes(list),
    unused: bytes(list.filter(({ lastUsed }) => now - lastUsed.getTime() >= WEEK_MS)),
  }));
  return {
    path: findCacheDirectory(),
    size: bytes(entries),
    kinds: kinds.sort((a, b) => b.size - a.size),
  };
}

/** Removes what the options name and no running build uses. */
export async function pruneCacheEntries(options: PruneOptions): Promise<PruneResult> {
  return await (await openCache()).prune(options);
}
