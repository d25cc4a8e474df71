/**
 * `inspect`: the contents of an image.
 * @module
 */
import { describeLayers, type PageLayer, renderPage } from "../inspect/mod.ts";
import { MiseOciError } from "../errors.ts";
import { type Descriptor, formatPlatform, parseManifest } from "../oci/mod.ts";
import { readLayerFiles } from "./layer_files.ts";
import { type OpenedImage, openImage } from "./open_image.ts";
import { withProgress } from "./layer_progress.ts";
import type { ImageDetails, InspectRequest, InspectResult } from "./inspect_types.ts";
import type { WorkflowContext } from "../context.ts";
import { writeWhole } from "../build/write_whole.ts";
import { STDOUT } from "../store/output.ts";

async function pageLayers(
  image: OpenedImage,
  context: WorkflowContext,
): Promise<readonly PageLayer[]> {
  const layers: PageLayer[] = [];
  for (const layer of describeLayers(image)) {
    const files = await withProgress(
      layer,
      context,
      () => readLayerFiles(image, layer, { hash: false, context }),
    );
    const sized = files.filter(({ type }) => type === "file")
      .map(({ path, size }) => ({ path, size }));
    layers.push({ ...layer, files: sized });
  }
  return layers;
}

async function detailsOf(image: OpenedImage): Promise<ImageDetails> {
  const { manifest, config, descriptor, images, path: [root] } = image;
  const isIndex = root.digest !== descriptor.digest;
  const named = isIndex
    ? parseManifest(await image.rootBytes(), { what: `index ${root.digest}` })
    : undefined;
  const annotations = named?.kind === "index" ? named.index.annotations : undefined;
  return {
    mediaType: descriptor.mediaType,
    ...(isIndex
      ? {
        index: {
          digest: root.digest,
          mediaType: root.mediaType,
          ...(annotations === undefined ? {} : { annotations }),
        },
      }
      : {}),
    images: images.map((one) => ({ platform: one.platform, digest: one.descriptor.digest })),
    annotations: manifest.annotations ?? {},
    config: config.config ?? {},
    history: config.history ?? [],
  };
}

/** The text of a document: of the named entry, unless a platform selects one of its images. */
async function documentOf(
  image: OpenedImage,
  { document, platform }: Pick<InspectRequest, "document" | "platform">,
): Promise<string> {
  if (document === "config") return new TextDecoder().decode(image.configBytes);
  const bytes = platform === undefined ? await image.rootBytes() : image.manifestBytes;
  return new TextDecoder().decode(bytes);
}

/** What is attached to the image; not an error if the registry does not list it. */
async function maybeReferrers(
  image: OpenedImage,
  { reporter, signal }: WorkflowContext,
): Promise<readonly Descriptor[] | undefined> {
  try {
    return await image.referrers?.();
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof MiseOciError)) throw error;
    reporter.emit({ type: "detail", level: 1, text: error.message });
    return undefined;
  }
}

/**
 * Inspects an image. Its layers are read only for the page.
 *
 * @throws {MiseOciError} naming image and cause; `io` if the page cannot be written.
 */
export async function inspectImage(
  request: InspectRequest,
  context: WorkflowContext,
): Promise<InspectResult> {
  await using image = await openImage(request.source, request, context);
  const { name, config, platform, platforms } = image;
  const { digest } = image.descriptor;
  const created = config.created === undefined ? {} : { created: config.created };
  const layers = describeLayers(image);
  const page = async (): Promise<string> =>
    renderPage({
      name,
      digest,
      platform: formatPlatform(platform),
      ...created,
      layers: await pageLayers(image, context),
    });
  const isPrinted = request.html === STDOUT;
  if (request.html !== undefined && !isPrinted) await writeWhole(request.html, page);
  const html = request.html === undefined || isPrinted ? {} : { html: request.html };
  const document = isPrinted
    ? { document: await page() }
    : request.document === undefined
    ? {}
    : { document: await documentOf(image, request) };
  const details = await detailsOf(image);
  const referrers = await maybeReferrers(image, context);
  return {
    name,
    digest,
    platform,
    platforms,
    ...created,
    layers,
    ...(referrers === undefined || referrers.length === 0 ? {} : { referrers }),
    details,
    ...document,
    ...html,
  };
}
