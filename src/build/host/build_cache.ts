/**
 * The cache of a build.
 * @module
 */
import type { Platform } from "../../oci/mod.ts";
import { type Cache, openCache } from "../../store/cache.ts";
import { cacheDirectory } from "../../store/cache_directory.ts";
import { holdInstalls } from "../../store/installs.ts";
import { rootfsDirectory, sweepRootfsPlaces } from "../../store/rootfs_places.ts";
import { hostEnv, isHostPlatform } from "./environment.ts";
import type { WorkflowContext } from "../../context.ts";

/**
 * Opens the cache. Damaged entries are reported as details, and unpacked bases left by killed builds are
 * removed.
 */
export async function openBuildCache(context: WorkflowContext): Promise<Cache> {
  const cache = await openCache(undefined, {
    onProblem: (text) => context.reporter.emit({ type: "detail", level: 1, text }),
  });
  await sweepRootfsPlaces(rootfsDirectory(cache.dir));
  return cache;
}

/**
 * Protects the tools installed for other platforms from pruning until disposed. Does nothing if all
 * platforms are the host's.
 */
export async function holdForeignInstalls(
  platforms: readonly Platform[],
): Promise<AsyncDisposable> {
  if (platforms.every(isHostPlatform)) return { [Symbol.asyncDispose]: () => Promise.resolve() };
  return await holdInstalls(cacheDirectory(hostEnv));
}
