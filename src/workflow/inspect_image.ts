/**
 * `inspect`: what an image is made of.
 * @module
 */
import { describeLayers, type PageLayer, renderPage } from "../inspect/mod.ts";
import { MiseOciError } from "../errors.ts";
import { type Descriptor, formatPlatform } from "../oci/mod.ts";
import { readLayerFiles } from "./layer_files.ts";
import { type OpenedImage, openImage } from "./open_image.ts";
import { withProgress } from "./layer_progress.ts";
import type { InspectRequest, InspectResult } from "./inspect_types.ts";
import type { WorkflowContext } from "../context.ts";
import { writeWhole } from "../build/write_whole.ts";

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

/** What is attached to the image; a registry that does not say is no reason to fail. */
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
 * Looks into an image. Its layers are read for the page only.
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
  if (request.html !== undefined) {
    await writeWhole(request.html, async () =>
      renderPage({
        name,
        digest,
        platform: formatPlatform(platform),
        ...created,
        layers: await pageLayers(image, context),
      }));
  }
  const html = request.html === undefined ? {} : { html: request.html };
  const referrers = await maybeReferrers(image, context);
  return {
    name,
    digest,
    platform,
    platforms,
    ...created,
    layers,
    ...(referrers === undefined || referrers.length === 0 ? {} : { referrers }),
    ...html,
  };
}
