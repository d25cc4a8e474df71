/**
 * Builds an image into the cache, for `run`.
 * @module
 */
import type { Image } from "../image/types.ts";
import { parseManifest } from "../oci/mod.ts";
import type { Cache } from "../store/mod.ts";
import { adoptReused } from "../build/reuse/adopt_reused.ts";
import { buildInCache, requireInstalled } from "../build/build_image.ts";
import { planProject } from "../build/plan_images.ts";
import { requestedPlatforms } from "../build/host/read_projects.ts";
import { holdForeignInstalls, openBuildCache } from "../build/host/build_cache.ts";
import { withDocuments } from "../store/image_store.ts";
import type { ImageInCache } from "../build/types.ts";
import type { TransientBuild } from "../build/types.ts";
import type { WorkflowContext } from "../context.ts";

/** Imported on demand: the layer store. */
const storeModule = () => import("../build/reuse/store_layers.ts");

/** A built image. Its blobs are protected in the cache until it is disposed of. */
export interface ObtainedImage extends AsyncDisposable {
  /** Its documents and the source of its layers. */
  readonly image: Image;
}

/** The composed image in the form of a resolved one, with its layers in the cache. */
export function resolvedInCache({ image, plan }: ImageInCache, cache: Cache): Image {
  const what = "the manifest just composed";
  const parsed = parseManifest(image.manifest.bytes, { what });
  if (parsed.kind !== "manifest") throw new TypeError(`${what} is an index`);
  return {
    descriptor: image.manifest.descriptor,
    manifest: parsed.manifest,
    manifestBytes: image.manifest.bytes,
    config: image.imageConfig,
    configBytes: image.config.bytes,
    platform: image.platform,
    source: withDocuments(cache, new Map([[image.config.descriptor.digest, image.config.bytes]])),
    ...(plan.tag === undefined ? {} : { tag: plan.tag }),
  };
}

/** Builds the image of a project into the cache. */
export async function obtainBuilt(
  build: TransientBuild,
  context: WorkflowContext,
): Promise<ObtainedImage> {
  await using _installs = await holdForeignInstalls(requestedPlatforms(build));
  const planned = await planProject(build, context);
  const cache = await openBuildCache(context);
  const lease = await cache.lease();
  try {
    const reuse = (build.store ?? planned.project.oci.store) === undefined
      ? undefined
      : await (await storeModule()).takeStored(planned, { request: build, cache }, context);
    requireInstalled(planned, reuse);
    const whole = reuse === undefined ? planned : adoptReused(planned, reuse, build.dropEnv);
    const { useCache } = build;
    const options = { request: build, cache, useCache, ...(reuse === undefined ? {} : { reuse }) };
    const built = await buildInCache(whole, options, context);
    return {
      image: resolvedInCache(built, cache),
      [Symbol.asyncDispose]: () => lease.release(),
    };
  } catch (error) {
    await lease.release();
    throw error;
  }
}
