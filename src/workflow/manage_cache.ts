/**
 * `cache ls`, `cache prune` and `cache path`.
 * @module
 */
import {
  cacheDirectory,
  type CacheEntry,
  openCache,
  type PruneOptions,
  type PruneResult,
} from "../store/mod.ts";
import { hostEnv } from "../build/environment.ts";

export type { CacheEntry, PruneOptions, PruneResult };

/** The cache's absolute directory, which need not exist. @throws {MiseOciError} `usage`. */
export function findCacheDirectory(): string {
  return cacheDirectory(hostEnv);
}

/** What is in the cache, the largest first. */
export async function listCacheEntries(): Promise<readonly CacheEntry[]> {
  const entries = await (await openCache()).list();
  return [...entries].sort((a, b) => b.size - a.size || (a.name < b.name ? -1 : 1));
}

/** Removes what the options name and no running build uses. */
export async function pruneCacheEntries(options: PruneOptions): Promise<PruneResult> {
  return await (await openCache()).prune(options);
}
