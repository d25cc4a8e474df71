/**
 * Opens the image named by an argument, in a layout, an archive or a registry, without adding it to the
 * cache; warns if it is older than its project or has commands that do not start.
 * @module
 */
import { basename, dirname, join, relative } from "@std/path";
import { openBuildCache } from "../build/host/build_cache.ts";
import { openSource, selectorOf } from "../build/base/open_source.ts";
import { foundImage, isSilent, openFrom } from "../check/checked_image.ts";
import { findReport } from "../check/find_report.ts";
import type { CheckMode } from "../check/report/report_problems.ts";
import type { WorkflowContext } from "../context.ts";
import { MiseOciError } from "../errors.ts";
import type { OpenedImages } from "../image/open.ts";
import { listPlatforms, type PlatformImage, resolveImage, resolveRoot } from "../image/resolve.ts";
import type { Image, ResolvedImage } from "../image/types.ts";
import { configFiles } from "../mise/config_places.ts";
import { Annotation } from "../oci/annotations.ts";
import { INDEX_FILE } from "../oci/layout.ts";
import type { Descriptor, ImageSource, Platform } from "../oci/mod.ts";
import { type ImageStore, readDocument } from "../store/image_store.ts";
import { maybeStat } from "../store/io_error.ts";
import { verifyStore } from "../store/verify.ts";
import type { NamedImageRequest } from "./types.ts";

function changedAt(path: string): number {
  return maybeStat(path)?.mtime?.getTime() ?? 0;
}

/** The last changed config or lock file next to a layout, if it is newer than the layout. */
function maybeNewer(layout: string): string | undefined {
  const project = dirname(layout);
  const [last] = configFiles(project).map((path) => ({ path, time: changedAt(path) }))
    .sort((a, b) => b.time - a.time);
  if (last === undefined || last.time <= changedAt(join(layout, INDEX_FILE))) return undefined;
  return relative(project, last.path);
}

/**
 * Warns if an image built by mise-oci is in a layout in the project's directory, where `build` writes it,
 * and the project's config or lock file was changed later.
 */
export function warnIfStale(
  { directory }: Pick<OpenedImages, "directory">,
  image: Pick<Image, "config"> | undefined,
  { reporter }: Pick<WorkflowContext, "reporter">,
): void {
  if (
    directory === undefined || image?.config.config?.Labels?.[Annotation.miseVersion] === undefined
  ) {
    return;
  }
  const newer = maybeNewer(directory);
  if (newer === undefined) return;
  const text = `The image in ${JSON.stringify(basename(directory))} is older than ` +
    `${JSON.stringify(newer)}: mise-oci build updates it`;
  reporter.emit({ type: "warning", text });
}

/** Imported on demand: most images have no problems. */
const problemsModule = () => import("../check/report/report_problems.ts");

/**
 * Checks an image before it is run or pushed. An image whose files cannot be read may still be run or
 * pushed; only a strict check fails then.
 *
 * @throws {MiseOciError} `check` if there are problems and the check is strict.
 */
export async function checkFound(
  image: Image,
  check: CheckMode,
  context: WorkflowContext,
): Promise<void> {
  if (check === "off") return;
  try {
    const cache = await openBuildCache(context);
    const named = { ...image, name: image.tag ?? image.descriptor.digest };
    const report = await findReport(foundImage(named, openFrom(image.source)), cache, context);
    if (report === undefined || isSilent(report)) return;
    (await problemsModule()).reportProblems(report, { check, fixable: false }, context);
  } catch (error) {
    if (check === "strict" || !(error instanceof MiseOciError) || context.signal.aborted) {
      throw error;
    }
    const text = `The image is not checked: ${error.message}`;
    context.reporter.emit({ type: "detail", level: 1, text });
  }
}

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
