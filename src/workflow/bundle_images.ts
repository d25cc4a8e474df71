/**
 * `bundle`: writes images to an archive, without the layers that the recipient has.
 * @module
 */
import { openSource } from "../build/base/open_source.ts";
import type { WorkflowContext } from "../context.ts";
import { MiseOciError } from "../errors.ts";
import {
  attachedTo,
  type BundledImages,
  joinStores,
  layersBelow,
  namedEntries,
} from "../fleet/bundle.ts";
import { writeOciArchive } from "../image/write_archive.ts";
import {
  type Descriptor,
  type Digest,
  formatImageSource,
  formatReference,
  type ImageSource,
} from "../oci/mod.ts";
import { checkOutputFile, tagOf } from "../store/mod.ts";

/** The flags of `bundle`, parsed. */
export interface BundleRequest {
  /** Absolute working directory, for mise's settings. */
  readonly directory: string;
  /** The images to bundle. */
  readonly images: readonly ImageSource[];
  /** Images that the recipient has. */
  readonly without: readonly ImageSource[];
  /** Absolute path of the archive; `-` for standard output. */
  readonly output: string;
}

/** The result of a bundle. */
export interface BundleResult {
  /** The archive. */
  readonly file: string;
  /** Its images by name. */
  readonly images: readonly { readonly name: string; readonly digest: Digest }[];
  /** Layers in the archive, and their total size. */
  readonly layers: { readonly count: number; readonly bytes: number };
  /** Layers that were left out, and their total size. */
  readonly left: { readonly count: number; readonly bytes: number };
}

async function openPlace(
  source: ImageSource,
  { directory, stack, context }: {
    readonly directory: string;
    readonly stack: AsyncDisposableStack;
    readonly context: WorkflowContext;
  },
): Promise<BundledImages> {
  const { store, selector, reference } = stack.use(await openSource(source, directory, context));
  const { tag, digest } = selector;
  const name = reference === undefined
    ? undefined
    : formatReference({ ...reference, tag: reference.tag ?? "latest" });
  const chosen = (await namedEntries(store, name)).filter((entry) =>
    reference !== undefined ||
    (tag === undefined || tagOf(entry) === tag) && (digest === undefined || entry.digest === digest)
  );
  const attached = await attachedTo(store, chosen);
  const besides = new Set(attached.map((entry) => entry.digest));
  const entries = chosen.filter((entry) => !besides.has(entry.digest));
  if (entries.length > 0) return { store, entries, attached };
  throw new MiseOciError("not-found", `Cannot find ${formatImageSource(source)}`, {
    hint: "Check the name of the image",
  });
}

async function layersOf(
  images: readonly BundledImages[],
): Promise<ReadonlyMap<Digest, Descriptor>> {
  const all = new Map<Digest, Descriptor>();
  for (const { store, entries } of images) {
    for (const [digest, layer] of await layersBelow(store, entries)) all.set(digest, layer);
  }
  return all;
}

function total(layers: readonly Descriptor[]): BundleResult["layers"] {
  return { count: layers.length, bytes: layers.reduce((sum, { size }) => sum + size, 0) };
}

/**
 * Writes images and their attachments to an OCI archive, without the layers of images that the recipient
 * has. When it is pushed, `push` uses the layers in the destination's registry.
 *
 * @throws {MiseOciError} `not-found`, `auth`, `network`, `integrity` naming the image; no file is created
 * then.
 */
export async function bundleImages(
  request: BundleRequest,
  context: WorkflowContext,
): Promise<BundleResult> {
  await checkOutputFile(request.output);
  await using stack = new AsyncDisposableStack();
  const opening = { directory: request.directory, stack, context };
  const images: BundledImages[] = [];
  for (const target of request.images) images.push(await openPlace(target, opening));
  const without: BundledImages[] = [];
  for (const target of request.without) without.push(await openPlace(target, opening));
  const layers = await layersOf(images);
  const there = await layersOf(without);
  const left = [...layers.values()].filter(({ digest }) => there.has(digest));
  const carried = [...layers.values()].filter(({ digest }) => !there.has(digest));
  const store = joinStores(images);
  await writeOciArchive(store, request.output, { without: new Set(there.keys()) });
  return {
    file: request.output,
    images: images.flatMap(({ entries }) => entries).map((entry) => ({
      name: tagOf(entry) ?? "",
      digest: entry.digest,
    })),
    layers: total(carried),
    left: total(left),
  };
}
