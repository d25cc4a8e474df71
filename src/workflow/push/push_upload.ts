/**
 * The common part of all pushes: blobs, manifests, then the tag.
 * @module
 */
import { MiseOciError } from "../../errors.ts";
import {
  Annotation,
  type Digest,
  formatReference,
  type Manifest,
  parseReference,
  type Reference,
  shortDigest,
} from "../../oci/mod.ts";
import type { PlatformEntry, RegistryClient } from "../../registry/mod.ts";
import { type BaseOrigin, type PushEvent, uploadImage } from "../../registry/push.ts";
import { headManifest } from "../../registry/get_manifest.ts";
import { putManifest } from "../../registry/put_manifest.ts";
import type { BaseImage } from "../../build/base/base_image.ts";
import type { LayerRow } from "../../build/types.ts";
import type { WorkflowContext } from "../../context.ts";
import type { Tree, TreeManifest } from "../../image/tree.ts";
import type { Image } from "../../image/types.ts";
import type { BlobSource } from "../../store/ports.ts";
import type { PushRequest, PushResult } from "../types.ts";

/** Imported on demand: only for --update-index. */
const indexModule = () => import("../../registry/update_index.ts");

/** The images to send. Blobs of built images are protected in the cache until they are disposed of. */
export interface ObtainedImages extends AsyncDisposable {
  /** The images, in the order of the index. */
  readonly images: readonly Image[];
  /** Other manifests: attestations, signatures and other artifacts. */
  readonly others?: readonly (TreeManifest & { readonly source: BlobSource })[];
  /** The layer table of each image, if they were built. */
  readonly rows?: readonly (readonly LayerRow[])[];
  /** Indexes, each after its entries; the last one is the root. */
  readonly indexes: Tree["indexes"];
  /** The repository that they are copied from; blobs are mounted from it if possible. */
  readonly origin?: Pick<Reference, "registry" | "repository">;
  /** The base of each image, if known. */
  readonly bases?: readonly BaseImage[];
  /** Repositories with some of the layers. */
  readonly origins?: readonly BaseOrigin[];
  /** Source of blobs that the images' own sources lack. */
  readonly elsewhere?: BlobSource;
}

/** The destination with the default tag `latest`, unless it has a digest. */
export function destinationOf(reference: Reference): Reference {
  const { tag, digest } = reference;
  return tag === undefined && digest === undefined ? { ...reference, tag: "latest" } : reference;
}

/** The digest of the manifest or index to push. */
function digestOf({ images, others = [], indexes }: ObtainedImages): Digest {
  const top = indexes.at(-1) ?? images[0] ?? others[0];
  if (top === undefined) throw new TypeError("A push without an image");
  return top.descriptor.digest;
}

/**
 * Checks the digest of a destination against the manifest to push.
 *
 * @throws {MiseOciError} `usage` if they differ.
 */
export function checkDestination(obtained: ObtainedImages, destination: Reference): void {
  const actual = digestOf(obtained);
  if (destination.digest === undefined || destination.digest === actual) return;
  throw new MiseOciError(
    "usage",
    `Cannot push to "${formatReference(destination)}": the image has digest ${actual}`,
    { hint: "Name a tag, or the image that has the digest" },
  );
}

/**
 * The repository from which the base's layers can be mounted, according to the manifest's annotations.
 *
 * @param count number of the base's layers; by default the layers that were not built by mise-oci.
 */
function maybeBaseOrigin(
  { manifest }: Pick<Image, "manifest">,
  count: number | undefined,
): BaseOrigin | undefined {
  const name = manifest.annotations?.[Annotation.baseName];
  if (name === undefined) return undefined;
  let reference: Reference;
  try {
    reference = parseReference(name);
  } catch (error) {
    if (error instanceof MiseOciError) return undefined;
    throw error;
  }
  const layers = new Set<Digest>(
    manifest.layers.filter(({ annotations }, i) =>
      count === undefined ? annotations?.[Annotation.layerKind] === undefined : i < count
    )
      .map(({ digest }) => digest),
  );
  return { registry: reference.registry, repository: reference.repository, layers };
}

/** Adds the name of its tool to the label of a blob. */
function named(
  event: Extract<PushEvent, { type: "start" }>,
  { manifest }: Pick<Image, "manifest">,
): PushEvent {
  const layer = manifest.layers.find(({ digest }) => event.label.includes(shortDigest(digest)));
  const short = layer?.annotations?.[Annotation.toolShort];
  const name = short === undefined
    ? layer?.annotations?.[Annotation.copy] ?? layer?.annotations?.[Annotation.layerKind]
    : `${short} ${layer?.annotations?.[Annotation.toolVersion] ?? ""}`.trimEnd();
  return name === undefined ? event : { ...event, label: `${name} ${event.label}` };
}

/** The mount source for blobs that are copied from another repository. */
function copyOrigin(
  { registry, repository }: Pick<Reference, "registry" | "repository">,
  { config, layers }: Manifest,
): BaseOrigin {
  return { registry, repository, layers: new Set([config, ...layers].map(({ digest }) => digest)) };
}

/** Reads blobs from one source, or else from another. */
function withElsewhere(source: BlobSource, elsewhere: BlobSource): BlobSource {
  return {
    size: async (digest) => await source.size(digest) ?? await elsewhere.size(digest),
    open: async (digest, range) => {
      const place = await source.size(digest) === undefined ? elsewhere : source;
      return await place.open(digest, range);
    },
  };
}

/** Sends a manifest and its blobs, by digest only or to a tag. */
async function uploadOne(
  client: RegistryClient,
  image: Pick<Image, "descriptor" | "manifest" | "manifestBytes" | "source">,
  options: UploadOptions & {
    readonly untagged: boolean;
    readonly reference: Reference;
    readonly obtained: ObtainedImages;
    readonly baseLayers: number | undefined;
  },
): Promise<NonNullable<PushResult["blobs"]>> {
  const { request, untagged, reference, baseLayers, context: { reporter, signal } } = options;
  const { origin, origins, elsewhere } = options.obtained;
  const { descriptor, manifest, manifestBytes } = image;
  const pushed = await uploadImage(client, {
    manifest: { descriptor, bytes: manifestBytes },
    config: manifest.config,
    layers: manifest.layers,
    source: elsewhere === undefined ? image.source : withElsewhere(image.source, elsewhere),
  }, {
    reference,
    untagged,
    baseOrigin: origin === undefined
      ? maybeBaseOrigin(image, baseLayers)
      : copyOrigin(origin, manifest),
    origins,
    jobs: request.jobs,
    onEvent: (event) => reporter.emit(event.type === "start" ? named(event, image) : event),
    signal,
  });
  const { uploaded, present, mounted, bytesSent } = pushed;
  return { uploaded, present, mounted, uploadedBytes: bytesSent };
}

export interface UploadOptions {
  readonly request: PushRequest;
  readonly context: WorkflowContext;
}

function entryOf({ descriptor, platform }: Image): PlatformEntry {
  const { mediaType, digest, size } = descriptor;
  return { mediaType, digest, size, platform };
}

/** Sets the tag to the manifest that was sent by digest; a single image was already sent to the tag. */
async function setTag(
  client: RegistryClient,
  { images, indexes }: ObtainedImages,
  { request, context: { signal } }: UploadOptions,
): Promise<Digest | undefined> {
  const reference = destinationOf(request.destination);
  const { repository } = reference;
  if (request.updateIndex) {
    const { updateIndex } = await indexModule();
    const { digest } = await updateIndex(client, {
      reference,
      entries: images.map(entryOf),
      signal,
    });
    return digest;
  }
  for (const [i, index] of indexes.entries()) {
    const isTop = i === indexes.length - 1;
    const { digest } = index.descriptor;
    const target = isTop ? reference.tag ?? digest : digest;
    await putManifest(client, { repository, target, ...index, signal });
  }
  return undefined;
}

/** Warns about manifests that are not sent, because only images are added to the tag's index. */
function warnOfOthers(others: readonly unknown[], { request, context }: UploadOptions): void {
  if (!request.updateIndex || others.length === 0) return;
  context.reporter.emit({
    type: "warning",
    text: `--update-index sends images only: ${others.length} attestations or other artifacts ` +
      "stay behind",
  });
}

/** Sends every image, then the indexes, so that the tag never refers to missing content. */
export async function upload(
  client: RegistryClient,
  obtained: ObtainedImages,
  options: UploadOptions,
): Promise<PushResult> {
  const { images, others = [], rows, indexes, bases } = obtained;
  const { request: { destination, updateIndex }, context: { signal } } = options;
  checkDestination(obtained, destination);
  warnOfOthers(others, options);
  const reference = destinationOf(destination);
  const [top] = indexes.length > 0 ? [] : [...images, ...others];
  const blobs = { uploaded: 0, present: 0, mounted: 0, uploadedBytes: 0 };
  const send = async (image: Image | (typeof others)[number], i?: number): Promise<void> => {
    const isTop = image === top;
    const tag = "bytes" in image ? image.tag : undefined;
    const sent = await uploadOne(
      client,
      "bytes" in image ? { ...image, manifestBytes: image.bytes } : image,
      {
        ...options,
        obtained,
        baseLayers: i === undefined ? undefined : bases?.[i]?.layers.length,
        reference: tag === undefined ? reference : { ...reference, tag },
        untagged: tag === undefined && (updateIndex || !isTop || reference.tag === undefined),
      },
    );
    blobs.uploaded += sent.uploaded;
    blobs.present += sent.present;
    blobs.mounted += sent.mounted;
    blobs.uploadedBytes += sent.uploadedBytes;
  };
  for (const [i, image] of images.entries()) await send(image, i);
  for (const other of updateIndex ? [] : others) {
    const { tag: target } = other;
    const { repository } = reference;
    const isThere = target !== undefined &&
      await headManifest(client, { repository, target, signal }) !== undefined;
    // Signatures that somebody else added there are kept rather than overwritten.
    if (!isThere) await send(other);
  }
  const updated = await setTag(client, obtained, options);
  const manifestDigest = digestOf(obtained);
  const [layers] = rows ?? [];
  const pushed = images.map(({ platform, descriptor: { digest } }, i) => {
    const own = rows?.[i];
    return { platform, digest, ...(own === undefined ? {} : { layers: own }) };
  });
  return {
    digest: updated ?? manifestDigest,
    manifestDigest,
    reference: formatReference(reference),
    blobs,
    ...(layers === undefined ? {} : { layers }),
    ...(indexes.length === 0 ? {} : { images: pushed }),
  };
}
