/**
 * Blobs on disk: the OCI image layout, archives of layouts, and the cache.
 * @module
 */
export {
  type Archive,
  checkArchiveFile,
  openArchive,
  type OpenArchiveOptions,
} from "./archive_reader.ts";
export {
  type ArchiveSelection,
  type ArchiveTarget,
  writeDockerArchive,
  writeOciArchive,
} from "./archive_writer.ts";
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
  type ImageSelector,
  type ImageStore,
  readBlob,
  type ResolvedImage,
  resolveImage,
  tagOf,
} from "./image_source.ts";
export {
  createLayout,
  Layout,
  type LayoutOptions,
  openLayout,
  type SetTagOptions,
} from "./layout.ts";
export type { Lease } from "./lease.ts";
export { acquireLock, type Lock, lockLayout, type LockOptions, withLock } from "./lock.ts";
export * from "./ports.ts";
export { checkWritable } from "./temp_file.ts";
export { type VerifyMemory, type VerifyOptions, type VerifyResult, verifyStore } from "./verify.ts";
