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

/** Opens the cache; damaged entries are reported as details. Bases unpacked by killed builds are removed. */
export async function openBuildCache(context: WorkflowContext): Promise<Cache> {
  const cache = await openCache(undefined, {
    onProblem: (text) => context.reporter.emit({ type: "detail", level: 1, text }),
  });
  await sweepRootfsPlaces(rootfsDirectory(cache.dir));
  return cache;
}

/**
 * Keeps the tools that are installed for other platforms from being pruned, from before mise lists them until
 * the image is built. Does nothing if all platforms are this machine's own.
 */
export async function holdForeignInstalls(
  platforms: readonly Platform[],
): Promise<AsyncDisposable> {
  if (platforms.every(isHostPlatform)) return { [Symbol.asyncDispose]: () => Promise.resolve() };
  return await holdInstalls(cacheDirectory(hostEnv));
}
