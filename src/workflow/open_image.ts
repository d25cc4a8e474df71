/**
 * An image that an argument names, wherever it is: a layout, an archive or a registry. Nothing is kept of it.
 * @module
 */
import { type OpenedImages, openImages } from "../image/open.ts";
import { listPlatforms, resolveImage } from "../image/resolve.ts";
import type { Image, ResolvedImage, ResolveOptions } from "../image/types.ts";
import { formatReference, type ImageSource, type Platform, type Reference } from "../oci/mod.ts";
import { verifyStore } from "../store/verify.ts";
import { checkFound } from "./check_found.ts";
import { defaultPlatform, hostEnv } from "./environment.ts";
import { openRegistry, readAccess } from "./registry_access.ts";
import type { NamedImageRequest, WorkflowContext } from "./types.ts";

/** An image whose documents were read and whose layers can be. Dispose of it. */
export interface OpenedImage extends ResolvedImage, AsyncDisposable {
  /** The image as people name it. */
  readonly name: string;
  /** The platforms of everything that was named, this image's included. */
  readonly platforms: readonly Platform[];
}

/** Which image of what an argument names. */
export interface OpenImageOptions {
  /** Absolute directory that relative paths start at, also for mise's settings. */
  readonly directory: string;
  /** Which image of several; default: the only one, else the host's. */
  readonly platform?: Platform;
}

/** Opens what an argument names. @throws {MiseOciError} as `openImages`. */
export function openSource(
  source: ImageSource,
  directory: string,
  context: WorkflowContext,
): Promise<OpenedImages> {
  return openImages(source, {
    directory,
    home: hostEnv("HOME"),
    signal: context.signal,
    connect: async (reference) =>
      await openRegistry(reference, await readAccess(reference, directory, context), context),
  });
}

/** The name that an image of a registry keeps in an engine. */
export function nameOf(reference: Reference | undefined): string | undefined {
  if (reference === undefined || reference.tag === undefined) return undefined;
  const { digest: _, ...named } = reference;
  return formatReference(named);
}

/** How the image of an argument is chosen. */
export function selectorOf(
  { selector }: OpenedImages,
  platform: Platform | undefined,
  { reporter }: WorkflowContext,
): ResolveOptions {
  return {
    ...selector,
    ...(platform === undefined ? {} : { platform }),
    host: defaultPlatform(),
    warn: (text) => reporter.emit({ type: "warning", text }),
  };
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
    const platforms = image.path.length === 1
      ? [image.platform]
      : await listPlatforms(store, image.path[0], assumed);
    const dispose = (): PromiseLike<void> => opened[Symbol.asyncDispose]();
    return {
      ...image,
      name: image.tag ?? opened.name,
      platforms,
      [Symbol.asyncDispose]: dispose,
    };
  } catch (error) {
    await opened[Symbol.asyncDispose]();
    throw error;
  }
}

/**
 * The one image of what an argument names, verified: every byte of it if it is on this machine; what a
 * registry sends is verified as it comes.
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
  if (reference === undefined) {
    await verifyStore(store, { entries: [image.descriptor], signal: context.signal });
  }
  await checkFound(image, check, context);
  return image;
}
