/**
 * All images of a build that a push sends: the one of each platform, and the index that names them.
 * @module
 */
import { buildPlatforms, requireInstalled } from "../build/build_image.ts";
import { type PlannedImage } from "../build/plan_images.ts";
import { openBuildCache } from "../build/build_cache.ts";
import { composeSet } from "../build/image_set.ts";
import type { ObtainedImages } from "./layout_images.ts";
import { resolvedInCache } from "./obtain_image.ts";
import type { ReuseIndex } from "../build/reuse_layers.ts";
import type { WorkflowContext } from "../context.ts";
import type { TransientBuild } from "../build/types.ts";

/** Builds planned images into the cache. */
export async function obtainBuiltImages(
  planned: readonly PlannedImage[],
  options: { readonly build: TransientBuild; readonly reuse: readonly ReuseIndex[] },
  context: WorkflowContext,
): Promise<ObtainedImages> {
  const { build, reuse } = options;
  planned.forEach((one, i) => requireInstalled(one, reuse[i]));
  const cache = await openBuildCache(context);
  const lease = await cache.lease();
  try {
    const { useCache } = build;
    const built = await buildPlatforms(
      planned,
      { request: build, cache, useCache, reuse, lazyBase: true },
      context,
    );
    const { images, index } = await composeSet(built.map(({ image }) => image));
    return {
      images: built.map((one) => resolvedInCache(one, cache)),
      rows: images.map(({ rows }) => rows),
      bases: built.map(({ base }) => base),
      ...(index === undefined ? {} : { index }),
      [Symbol.asyncDispose]: () => lease.release(),
    };
  } catch (error) {
    await lease.release();
    throw error;
  }
}
