/**
 * The image that `run`, `load` and `push` work on: one of a layout that is there, or one built now, its
 * blobs in the cache.
 * @module
 */
import { parseManifest } from "../oci/mod.ts";
import type { Cache, ResolvedImage } from "../store/mod.ts";
import { adoptReused } from "../build/adopt_reused.ts";
import { buildInCache, type ImageInCache, requireInstalled } from "../build/build_image.ts";
import { type PlannedImage, planProject } from "../build/plan_images.ts";
import { requestedPlatforms } from "../build/project_options.ts";
import { holdForeignInstalls, openBuildCache } from "../build/build_cache.ts";
import { obtainLayoutImage } from "./layout_images.ts";
import { withDocuments } from "../build/memory_source.ts";
import type { LayerRow } from "../build/types.ts";
import type { WorkflowContext } from "../context.ts";
import type { ImageRequest } from "./types.ts";
import type { TransientBuild } from "../build/types.ts";

/** The layer store. */
const storeModule = () => import("../build/store_layers.ts");

/** An image to work on. Dispose of it: a built one holds its blobs in the cache until then. */
export interface ObtainedImage extends AsyncDisposable {
  /** Manifest, config and where the layers are. */
  readonly image: ResolvedImage;
  /** The layer table, if it was built. */
  readonly rows?: readonly LayerRow[];
}

/** The composed image as if it had been read from a layout, its layers in the cache. */
export function resolvedInCache({ image, plan }: ImageInCache, cache: Cache): ResolvedImage {
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

/** Builds a planned image into the cache. */
async function obtainBuilt(
  planned: PlannedImage,
  build: TransientBuild,
  context: WorkflowContext,
): Promise<ObtainedImage> {
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
      rows: built.image.rows,
      [Symbol.asyncDispose]: () => lease.release(),
    };
  } catch (error) {
    await lease.release();
    throw error;
  }
}

/**
 * Obtains the image.
 *
 * @throws {MiseOciError} for a directory that is no layout, before anything else is done; what building
 * throws.
 */
export async function obtainImage(
  request: ImageRequest,
  context: WorkflowContext,
): Promise<ObtainedImage> {
  if (request.kind === "layout") {
    const image = await obtainLayoutImage(request, context);
    return { image, [Symbol.asyncDispose]: () => Promise.resolve() };
  }
  const { build } = request;
  await using _installs = await holdForeignInstalls(requestedPlatforms(build));
  return await obtainBuilt(await planProject(build, context), build, context);
}
