/**
 * Writes composed images into an image layout: under the layout's lock, blobs first, the index last.
 * @module
 */
import { mapConcurrently } from "../../concurrency.ts";
import { MiseOciError } from "../../errors.ts";
import type { Descriptor } from "../../oci/mod.ts";
import { createLayout } from "../../store/layout.ts";
import { lockLayout } from "../../store/lock.ts";
import type { Cache } from "../../store/mod.ts";
import { type ImageSet, setDocuments, setEntry, setLayers } from "./compose_image.ts";
import type { WorkflowContext } from "../../context.ts";

/** Number of blobs that are added to a layout concurrently. */
const AT_ONCE = 8;

/** Options of {@linkcode writeLayout}. */
export interface WriteLayoutOptions {
  /** Absolute directory of the layout. */
  readonly directory: string;
  /** Name in its index. */
  readonly tag?: string;
  /** Contains the blobs of the layers. */
  readonly cache: Cache;
}

/** A blob that has just disappeared from the cache. */
export class MissingBlobError extends MiseOciError {
  /** The missing blob. */
  readonly blob: Descriptor;

  /** Creates the error for a blob. */
  constructor(blob: Descriptor) {
    super("not-found", `Blob "${blob.digest}" is no longer in the cache`, {
      hint: "Something else removes files from the cache while mise-oci runs; run it again",
    });
    this.blob = blob;
  }
}

/**
 * Writes the images.
 *
 * @throws {MissingBlobError} if a blob has disappeared from the cache; the index is then unchanged.
 * @throws {MiseOciError} `layout` or `io` if the layout cannot be written.
 */
export async function writeLayout(
  set: ImageSet,
  options: WriteLayoutOptions,
  context: WorkflowContext,
): Promise<void> {
  const { directory, tag, cache } = options;
  const layout = await createLayout(directory);
  await layout.prepare();
  await using lock = await lockLayout(directory, {
    signal: context.signal,
    onWait: () =>
      context.reporter.emit({
        type: "step",
        text: `Waiting for another build that writes ${directory}`,
      }),
  });
  await mapConcurrently(setLayers(set), { limit: AT_ONCE }, async (descriptor) => {
    const { digest, size } = descriptor;
    if (!await cache.linkInto(layout, digest, size)) throw new MissingBlobError(descriptor);
  });
  // Each is flushed; concurrently, so that they wait for the device once.
  await mapConcurrently(setDocuments(set), { limit: AT_ONCE }, async ({ bytes, descriptor }) => {
    await layout.writeManifest(bytes, descriptor.mediaType);
  });
  await layout.setTag(setEntry(set), tag, { lock, removeReplaced: true });
}
