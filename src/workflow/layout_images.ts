/**
 * The images of a layout that is there.
 * @module
 */
import { MiseOciError } from "../errors.ts";
import { type Descriptor, type Index, maybeManifestKind, parseManifest } from "../oci/mod.ts";
import {
  type ImageStore,
  readBlob,
  type ResolvedImage,
  resolveImage,
} from "../store/image_source.ts";
import { openLayout } from "../store/layout.ts";
import type { BaseOrigin } from "../registry/push.ts";
import type { BlobSource } from "../store/ports.ts";
import type { BaseImage } from "../build/base_image.ts";
import { checkFound } from "./check_found.ts";
import type { Document } from "../build/compose_image.ts";
import { defaultPlatform } from "../build/environment.ts";
import type { LayerRow } from "../build/types.ts";
import type { WorkflowContext } from "../context.ts";
import type { ImageRequest } from "./types.ts";

/** A layout to take an image from. */
export type LayoutRequest = Extract<ImageRequest, { kind: "layout" }>;

/** Images to send. Dispose of them: built ones hold their blobs in the cache until then. */
export interface ObtainedImages extends AsyncDisposable {
  /** The images, in the order of the index. */
  readonly images: readonly ResolvedImage[];
  /** The layer table of each, if they were built. */
  readonly rows?: readonly (readonly LayerRow[])[];
  /** The index that names them, if it is to be sent too. */
  readonly index?: Document;
  /** The base of each, if it is known. */
  readonly bases?: readonly BaseImage[];
  /** Repositories that have some of the layers. */
  readonly origins?: readonly BaseOrigin[];
  /** Where blobs are that the images' own sources lack. */
  readonly elsewhere?: BlobSource;
}

/**
 * The one image of a layout that is meant; of several the one for this machine.
 *
 * @throws {MiseOciError} for a directory that is no layout, before anything else is done; `check` if its
 * commands fail a strict check.
 */
export async function obtainLayoutImage(
  request: LayoutRequest,
  context: WorkflowContext,
): Promise<ResolvedImage> {
  const image = await chooseImage(await readLayout(request), request);
  await checkFound(image, request.check ?? "off", context);
  return image;
}

/** The blobs of a store by another index. */
function withIndex(store: ImageStore, index: Index): ImageStore {
  return {
    place: store.place,
    size: (digest) => store.size(digest),
    open: (digest, range) => store.open(digest, range),
    index: () => Promise.resolve(index),
  };
}

/**
 * Opens a layout and reads its index, once for all questions: it may change meanwhile.
 *
 * @throws {MiseOciError} for a directory that is no layout.
 */
export async function readLayout({ directory }: LayoutRequest): Promise<ImageStore> {
  const layout = await openLayout(directory);
  return withIndex(layout, await layout.index());
}

async function chooseImage(
  layout: ImageStore,
  { platform }: Pick<LayoutRequest, "platform">,
): Promise<ResolvedImage> {
  if (platform !== undefined) return await resolveImage(layout, { platform });
  try {
    return await resolveImage(layout);
  } catch (error) {
    // Several images: then it is the one for this machine.
    if (!(error instanceof MiseOciError) || error.code !== "usage") throw error;
    return await resolveImage(layout, { platform: defaultPlatform() });
  }
}

/** The index that a layout holds, if that is all it holds and all in it are images of platforms. */
async function maybeIndex(
  layout: ImageStore,
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
 * The images of a layout that {@linkcode readLayout} gave: all platforms of its only index, or the one image
 * that is meant.
 *
 * @throws {MiseOciError} as {@linkcode obtainLayoutImage}.
 */
export async function obtainLayoutImages(
  layout: ImageStore,
  request: LayoutRequest,
  context: WorkflowContext,
): Promise<ObtainedImages> {
  const found = request.platform === undefined ? await maybeIndex(layout) : undefined;
  if (found === undefined) {
    const image = await chooseImage(layout, request);
    await checkFound(image, request.check ?? "off", context);
    return { images: [image], [Symbol.asyncDispose]: () => Promise.resolve() };
  }
  const images: ResolvedImage[] = [];
  for (const entry of found.entries) {
    const image = await resolveImage(withIndex(layout, { manifests: [entry] }));
    await checkFound(image, request.check ?? "off", context);
    images.push(image);
  }
  return { images, index: found.index, [Symbol.asyncDispose]: () => Promise.resolve() };
}
