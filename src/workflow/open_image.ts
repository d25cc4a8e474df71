/**
 * Opens the image named by an argument, in a layout, an archive or a registry, without adding it to the
 * cache.
 * @module
 */
import { type OpenedImages } from "../image/open.ts";
import { listPlatforms, type PlatformImage, resolveImage, resolveRoot } from "../image/resolve.ts";
import type { Image, ResolvedImage } from "../image/types.ts";
import type { Descriptor, ImageSource, Platform } from "../oci/mod.ts";
import { openSource, selectorOf } from "../build/open_source.ts";
import type { WorkflowContext } from "../context.ts";
import { type ImageStore, readDocument } from "../store/image_store.ts";
import { verifyStore } from "../store/verify.ts";
import { checkFound } from "./check_found.ts";
import { warnIfStale } from "./stale.ts";
import type { NamedImageRequest } from "./types.ts";

/** An image whose documents were read. The caller must dispose of it. */
export interface OpenedImage extends ResolvedImage, AsyncDisposable {
  /** The image's name for users. */
  readonly name: string;
  /** The platforms of everything that was named, including this image's. */
  readonly platforms: readonly Platform[];
  /** All images of what was named, by platform. */
  readonly images: readonly PlatformImage[];
  /** The bytes of what was named: an index, or the image's manifest. */
  rootBytes(): Promise<Uint8Array<ArrayBuffer>>;
  /** The store that contains it, unless that is a registry. */
  readonly store?: ImageStore;
  /** Lists what refers to the image in its registry; absent for other images. */
  referrers?(): Promise<readonly Descriptor[]>;
}

/** Selects an image. */
export interface OpenImageOptions {
  /** Absolute base directory of relative paths, and for mise's settings. */
  readonly directory: string;
  /** The platform, if there are several; default: the only one, or the host's. */
  readonly platform?: Platform;
}

/**
 * Opens one image.
 *
 * @throws {MiseOciError} `not-found`, `layout`, `auth`, `network`, `registry`, `unsupported` naming the
 * image and the cause.
 */
export async function openImage(
  source: ImageSource,
  { directory, platform }: OpenImageOptions,
  context: WorkflowContext,
): Promise<OpenedImage> {
  const opened = await openSource(source, directory, context);
  try {
    const { store } = opened;
    const { host, ...selector } = selectorOf(opened, platform, context);
    const assumed = host === undefined ? {} : { host };
    const image = await resolveImage(store, { ...selector, ...assumed });
    warnIfStale(opened, image, context);
    const images = image.path.length === 1
      ? [{ platform: image.platform, descriptor: image.descriptor }]
      : await listPlatforms(store, image.path[0], assumed);
    const dispose = (): PromiseLike<void> => opened[Symbol.asyncDispose]();
    return {
      ...image,
      name: image.tag ?? opened.name,
      images,
      platforms: images.map((one) => one.platform),
      rootBytes: () =>
        image.path.length === 1
          ? Promise.resolve(image.manifestBytes)
          : readDocument(store, image.path[0]),
      ...(opened.reference === undefined ? { store } : {
        referrers: async () => await store.referrers?.(image.descriptor.digest) ?? [],
      }),
      [Symbol.asyncDispose]: dispose,
    };
  } catch (error) {
    await opened[Symbol.asyncDispose]();
    throw error;
  }
}

/**
 * Opens the single image named by an argument and verifies it: all bytes if it is on this machine; data
 * from a registry is verified as it is received.
 *
 * @throws {MiseOciError} `integrity` naming a damaged blob; `check` if its commands fail a strict check.
 */
export async function obtainNamed(
  opened: OpenedImages,
  { platform, check = "off" }: Pick<NamedImageRequest, "platform" | "check">,
  context: WorkflowContext,
): Promise<Image> {
  const { store, reference } = opened;
  const image = await resolveImage(store, selectorOf(opened, platform, context));
  warnIfStale(opened, image, context);
  if (reference === undefined) {
    await verifyStore(store, { entries: [image.descriptor], signal: context.signal });
  }
  await checkFound(image, check, context);
  return image;
}

/** The entry to push: the named one unchanged, or the image for the given platform. */
export async function chooseRoot(
  opened: OpenedImages,
  platform: NamedImageRequest["platform"],
  context: WorkflowContext,
): Promise<Descriptor> {
  const { store } = opened;
  const options = selectorOf(opened, platform, context);
  return platform === undefined
    ? await resolveRoot(store, options)
    : (await resolveImage(store, options)).descriptor;
}
