/**
 * Blobs on disk: the OCI image layout and the cache.
 * @module
 */
export {
  type Cache,
  type CachedLayer,
  type CachedManifest,
  type CacheOptions,
  openCache,
} from "./cache.ts";
export { cacheDirectory } from "./cache_directory.ts";
export type { CacheEntry, PruneOptions, PruneResult } from "./cache_prune.ts";
export { holdInstalls } from "./installs.ts";
export { rootfsDirectory } from "./rootfs_places.ts";
export { type Disk, realDisk } from "./disk.ts";
export {
  checkSize,
  type ImageStore,
  readBlob,
  readDocument,
  type ReadManifest,
  readManifest,
  tagOf,
} from "./image_store.ts";
export {
  createLayout,
  Layout,
  type LayoutOptions,
  nameEntry,
  openLayout,
  type SetTagOptions,
} from "./layout.ts";
export type { Lease } from "./lease.ts";
export { acquireLock, type Lock, lockLayout, type LockOptions, withLock } from "./lock.ts";
export { checkOutputFile, writeOutput } from "./output.ts";
export * from "./ports.ts";
export { checkWritable } from "./temp_file.ts";
export {
  reachable,
  type VerifyMemory,
  type VerifyOptions,
  type VerifyResult,
  verifyStore,
} from "./verify.ts";
