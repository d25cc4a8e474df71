/**
 * All images that a push sends: the one of each platform, and the index that names them.
 * @module
 */
import { type Descriptor, maybeManifestKind, parseManifest } from "../oci/mod.ts";
import {
  type Layout,
  openLayout,
  readBlob,
  type ResolvedImage,
  resolveImage,
} from "../store/mod.ts";
import {
  buildPlatforms,
  openBuildCache,
  type PlannedImage,
  requireInstalled,
} from "./build_image.ts";
import { checkFound } from "./check_found.ts";
import type { Document } from "./compose_image.ts";
import { composeSet } from "./image_set.ts";
import { obtainImage, resolvedInCache } from "./obtain_image.ts";
import type { ReuseIndex } from "./reuse_layers.ts";
import type { ImageRequest, LayerRow, TransientBuild, WorkflowContext } from "./types.ts";

/** Images to send. Dispose of them: built ones hold their blobs in the cache until then. */
export interface ObtainedImages extends AsyncDisposable {
  /** The images, in the order of the index. */
  readonly images: readonly ResolvedImage[];
  /** The layer table of each, if they were built. */
  readonly rows?: readonly (readonly LayerRow[])[];
  /** The index that names them, if it is to be sent too. */
  readonly index?: Document;
}

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
      { request: build, cache, useCache, reuse },
      context,
    );
    const { images, index } = composeSet(built.map(({ image }) => image));
    return {
      images: built.map((one) => resolvedInCache(one, cache)),
      rows: images.map(({ rows }) => rows),
      ...(index === undefined ? {} : { index }),
      [Symbol.asyncDispose]: () => lease.release(),
    };
  } catch (error) {
    await lease.release();
    throw error;
  }
}

/** The image that one entry of an index in a layout names. */
function resolveEntry(layout: Layout, entry: Descriptor): Promise<ResolvedImage> {
  return resolveImage({
    place: layout.place,
    size: (digest) => layout.size(digest),
    open: (digest, range) => layout.open(digest, range),
    index: () => Promise.resolve({ manifests: [entry] }),
  });
}

/** The index that a layout holds, if that is all it holds and all in it are images of platforms. */
async function maybeIndex(
  layout: Layout,
): Promise<{ readonly index: Document; readonly entries: readonly Descriptor[] } | undefined> {
  const [only, ...others] = (await layout.index()).manifests;
  if (only === undefined || others.length > 0) return undefined;
  if (maybeManifestKind(only.mediaType) !== "index") return undefined;
  const bytes = await readBlob(layout, only);
  const what = `index "${only.digest}" of ${layout.place}`;
  const parsed = parseManifest(bytes, { what, expectedMediaType: only.mediaType });
  if (parsed.kind !== "index") return undefined;
  const entries = parsed.index.manifests;
  const isImage = ({ mediaType, platform, artifactType }: Descriptor): boolean =>
    maybeManifestKind(mediaType) === "manifest" && platform !== undefined &&
    platform.os !== "unknown" && artifactType === undefined;
  if (!entries.every(isImage)) return undefined;
  const { mediaType, digest, size } = only;
  return { index: { descriptor: { mediaType, digest, size }, bytes }, entries };
}

/**
 * The images of a layout: all platforms of its only index, or the one image that is meant.
 *
 * @throws {MiseOciError} as `obtainImage`.
 */
export async function obtainLayoutImages(
  request: Extract<ImageRequest, { kind: "layout" }>,
  context: WorkflowContext,
): Promise<ObtainedImages> {
  const layout = await openLayout(request.directory);
  const found = request.platform === undefined ? await maybeIndex(layout) : undefined;
  if (found === undefined) {
    const { image, rows } = await obtainImage(request, context);
    return {
      images: [image],
      ...(rows === undefined ? {} : { rows: [rows] }),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
  }
  const images: ResolvedImage[] = [];
  for (const entry of found.entries) {
    const image = await resolveEntry(layout, entry);
    await checkFound(image, request.check ?? "off", context);
    images.push(image);
  }
  return { images, index: found.index, [Symbol.asyncDispose]: () => Promise.resolve() };
}
