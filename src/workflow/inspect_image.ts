/**
 * `inspect`: the contents of an image.
 * @module
 */
import type { PackageChange } from "../attest/compare_packages.ts";
import { writeWhole } from "../build/output/write_whole.ts";
import type { WorkflowContext } from "../context.ts";
import { STDOUT } from "../store/output.ts";
import { MiseOciError } from "../errors.ts";
import {
  describeLayers,
  type FileChange,
  type ImageComparison,
  type LayerChange,
  type LayerDescription,
  type PageLayer,
  renderPage,
} from "../inspect/mod.ts";
import {
  type ContainerConfig,
  type Descriptor,
  type Digest,
  formatPlatform,
  type HistoryEntry,
  type ImageSource,
  parseManifest,
  type Platform,
} from "../oci/mod.ts";
import { readLayerFiles, withProgress } from "./layer_files.ts";
import { type OpenedImage, openImage } from "./open_image.ts";

export type { FileChange, LayerChange, LayerDescription };

/** What both commands take. */
interface LookRequest {
  /** Absolute working directory. */
  readonly directory: string;
  /** Which image of several. */
  readonly platform?: Platform;
}

/** The flags of `inspect`, parsed. */
export interface InspectRequest extends LookRequest {
  /** Which image. */
  readonly source: ImageSource;
  /** Absolute path of the page to write (`--html`); `-` to return it as the document. */
  readonly html?: string;
  /** The document to return as stored: the manifest or index (`--raw`), or the config. */
  readonly document?: "manifest" | "config";
}

/** The content of an image's documents besides its layers. */
export interface ImageDetails {
  /** Media type of the manifest. */
  readonly mediaType: string;
  /** The index that the argument names, if it names one. */
  readonly index?: {
    readonly digest: Digest;
    readonly mediaType: string;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  /** Every image that the argument names. */
  readonly images: readonly { readonly platform: Platform; readonly digest: Digest }[];
  /** Annotations of the manifest. */
  readonly annotations: Readonly<Record<string, string>>;
  /** How a container runs. */
  readonly config: ContainerConfig;
  /** The history, oldest first, with the entries that have no layer. */
  readonly history: readonly HistoryEntry[];
}

/** The contents of an image. */
export interface InspectResult {
  /** The image's name for messages. */
  readonly name: string;
  /** Digest of the manifest. */
  readonly digest: Digest;
  /** What it runs on. */
  readonly platform: Platform;
  /** Every platform of the image; the other fields describe one of them. */
  readonly platforms: readonly Platform[];
  /** RFC 3339 time of the build, if the image has one. */
  readonly created?: string;
  /** The layers, bottom first. */
  readonly layers: readonly LayerDescription[];
  /** Other content of the documents. */
  readonly details?: ImageDetails;
  /** The text of the requested document or page. */
  readonly document?: string;
  /** What is attached to the image in its registry, including signatures. */
  readonly referrers?: readonly Descriptor[];
  /** The page that was written. */
  readonly html?: string;
}

/** The flags of `diff`, parsed. */
export interface DiffRequest extends LookRequest {
  /** The image before. */
  readonly a: ImageSource;
  /** The image after. */
  readonly b: ImageSource;
  /** Whether the files of tools with different versions are compared too (`--files`). */
  readonly files: boolean;
  /** Reads layers that are not cached yet, to compare the packages (`--packages`). */
  readonly packages: boolean;
}

/** A layer with its files that differ, if they were compared. */
export interface DiffLayer extends LayerChange {
  /** By path. */
  readonly files?: readonly FileChange[];
}

/** How two images differ. */
export interface DiffResult extends Omit<ImageComparison, "layers"> {
  /** The image before. */
  readonly a: { readonly name: string; readonly digest: Digest };
  /** The image after. */
  readonly b: { readonly name: string; readonly digest: Digest };
  /** The layers of B bottom first, then those that only A has. */
  readonly layers: readonly DiffLayer[];
  /** Packages that differ; absent if layers are not cached. */
  readonly packages?: readonly PackageChange[];
}

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

/** The text of a document: that of the named entry, or with a platform, of one of its images. */
async function documentOf(
  image: OpenedImage,
  { document, platform }: Pick<InspectRequest, "document" | "platform">,
): Promise<string> {
  if (document === "config") return new TextDecoder().decode(image.configBytes);
  const bytes = platform === undefined ? await image.rootBytes() : image.manifestBytes;
  return new TextDecoder().decode(bytes);
}

/** The attachments of the image; failure to list them is not an error. */
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
 * Inspects an image. Its layers are read only for the HTML page.
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
