/**
 * Opens the image that an argument names, in a layout, an archive or a registry. It is not added to the
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

/** An image whose documents were read and whose layers can be. Dispose of it. */
export interface OpenedImage extends ResolvedImage, AsyncDisposable {
  /** The image as people name it. */
  readonly name: string;
  /** The platforms of everything that was named, this image's included. */
  readonly platforms: readonly Platform[];
  /** Every image of what was named, by platform. */
  readonly images: readonly PlatformImage[];
  /** The bytes of what was named: an index, or the image's manifest. */
  rootBytes(): Promise<Uint8Array<ArrayBuffer>>;
  /** Where it is, unless that is a registry. */
  readonly store?: ImageStore;
  /** What refers to the image in its registry; absent for images that are elsewhere. */
  referrers?(): Promise<readonly Descriptor[]>;
}

/** Which image of what an argument names. */
export interface OpenImageOptions {
  /** Absolute directory that relative paths start at, also for mise's settings. */
  readonly directory: string;
  /** Which image of several; default: the only one, else the host's. */
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
 * The single image that an argument names, verified: every byte if it is on this machine; data from a
 * registry is verified as it is received.
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

/** What is pushed of what an argument names: the entry as it is, or the one image of a platform. */
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
