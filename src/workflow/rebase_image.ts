/**
 * `rebase`: changes the base of an image in a registry. Only documents are fetched; layers are mounted.
 * @module
 */
import { MiseOciError } from "../errors.ts";
import { type RebasedImage, rebaseDocuments, rebaseRefusal } from "../fleet/rebase.ts";
import {
  Annotation,
  type Descriptor,
  type Digest,
  encodedDocument,
  encodeIndex,
  formatPlatform,
  formatReference,
  type ImageDocuments,
  type Index,
  maybeManifestKind,
  MediaType,
  parseImageConfig,
  parseReference,
  type Platform,
  type Reference,
  referenceTarget,
} from "../oci/mod.ts";
import {
  fetchBlob,
  fetchManifest,
  headManifest,
  putManifest,
  RemoteBlobs,
} from "../registry/mod.ts";
import { uploadImage } from "../registry/push.ts";
import type { Cache } from "../store/mod.ts";
import { openBuildCache } from "../build/host/build_cache.ts";
import { withDocuments } from "../store/image_store.ts";
import { refuseMisfit, type RemoteImage } from "./rebase_fit.ts";
import { RegistryClients } from "../build/access/registry_clients.ts";
import type { WorkflowContext } from "../context.ts";

/** The flags of `rebase`, parsed. */
export interface RebaseRequest {
  /** Absolute working directory, for mise's settings. */
  readonly directory: string;
  /** mise executable (`--mise`). */
  readonly misePath?: string;
  readonly image: Reference;
  /** The new base. */
  readonly onto: Reference;
  /** Tags of the result; if empty, the image's own. */
  readonly tags: readonly string[];
  /** Whether to check the commands on the new base. */
  readonly check: boolean;
  /** `-j`. */
  readonly jobs?: number;
}

/** A rebased image. */
export interface RebasedPlatform {
  /** Its platform. */
  readonly platform: Platform;
  /** Digest of its old manifest. */
  readonly from: Digest;
  /** Digest of its new manifest. */
  readonly digest: Digest;
  /** Digest of its new base's manifest. */
  readonly base: Digest;
}

/** The result of a rebase. */
export interface RebaseResult {
  /** The digest that the tags now name. */
  readonly digest: Digest;
  /** The references that were set. */
  readonly references: readonly string[];
  /** The new base. */
  readonly base: string;
  /** The image of each platform. */
  readonly images: readonly RebasedPlatform[];
  /** Number of blobs of the new base and configs that were sent, already present, or mounted. */
  readonly blobs: {
    readonly uploaded: number;
    readonly present: number;
    readonly mounted: number;
    readonly uploadedBytes: number;
  };
}

/** A rebased image with the source of its bytes. */
interface Rebased {
  readonly from: RemoteImage;
  readonly image: RebasedImage;
  readonly base: Digest;
}

/** Context of one rebase. */
interface Rebasing {
  readonly request: RebaseRequest;
  readonly clients: RegistryClients;
  readonly cache: Cache;
  readonly context: WorkflowContext;
}

/** The manifest or index that the reference names, and its images. */
interface Root {
  readonly digest: Digest;
  readonly index?: Index;
  readonly images: readonly RemoteImage[];
}

/** Whether an index entry is an image; other entries belong to an image of the old index. */
function isImageEntry({ mediaType, platform }: Descriptor): boolean {
  return maybeManifestKind(mediaType) === "manifest" && platform !== undefined &&
    platform.os !== "unknown";
}

async function readRoot({ request: { image }, clients, cache, context }: Rebasing): Promise<Root> {
  const { signal } = context;
  const client = await clients.of(image);
  const { repository } = image;
  const found = await fetchManifest(client, { repository, target: referenceTarget(image), signal });
  const { descriptor: { digest }, content } = found;
  if (content.kind === "manifest") {
    const { manifest } = content;
    const descriptor = manifest.config;
    const bytes = await fetchBlob(client, { repository, descriptor, signal });
    const config = parseImageConfig(bytes, `config of "${formatReference(image)}"`);
    const { os, architecture, variant } = config;
    const platform = { os, architecture, ...(variant === undefined ? {} : { variant }) };
    return { digest, images: [{ manifest, config, platform, descriptor: found.descriptor }] };
  }
  const { index } = content;
  const entries = index.manifests.filter(isImageEntry);
  if (entries.length === 0) throw rebaseRefusal("its index names no image", "Name another image");
  if (entries.length < index.manifests.length) {
    const count = index.manifests.length - entries.length;
    const text = `${count} entries of the index that are not images are left out: they describe ` +
      "the images as they were";
    context.reporter.emit({ type: "warning", text });
  }
  const images = await Promise.all(entries.map(async (entry): Promise<RemoteImage> => {
    const { platform = { os: "", architecture: "" } } = entry;
    const reference = { ...image, digest: entry.digest };
    const one = await clients.resolve(reference, { platform, cache });
    return { manifest: one.manifest, config: one.config, platform, descriptor: entry };
  }));
  return { digest, index, images };
}

/** The base that an image was built on, from its annotations; `undefined` for `scratch`. */
async function maybeOldBase(
  { manifest, platform }: RemoteImage,
  { clients, cache }: Rebasing,
): Promise<ImageDocuments | undefined> {
  const { [Annotation.baseName]: name, [Annotation.baseDigest]: digest } = manifest.annotations ??
    {};
  if (name === undefined || digest === undefined) {
    const all = manifest.layers.every(({ annotations }) =>
      annotations?.[Annotation.layerKind] !== undefined
    );
    if (all && name === undefined && digest === undefined) return undefined;
    throw rebaseRefusal(
      "it does not say which image of a registry it is based on",
      "Push it from its project with --from BASE",
    );
  }
  const { registry, repository } = parseReference(name);
  const reference = parseReference(`${registry}/${repository}@${digest}`);
  try {
    return await clients.resolve(reference, { platform, cache });
  } catch (error) {
    if (!(error instanceof MiseOciError) || error.code !== "not-found") throw error;
    throw rebaseRefusal(
      `its base "${name}" with digest ${digest} is not in the registry any more, so what it has ` +
        "of it cannot be told from what the project set",
      "Build it on the new base instead: mise-oci push --from BASE REF",
    );
  }
}

async function rebaseOne(image: RemoteImage, rebasing: Rebasing): Promise<Rebased> {
  const { request: { onto }, clients, cache } = rebasing;
  const { platform } = image;
  const [base, oldBase] = await Promise.all([
    clients.resolve(onto, { platform, cache }),
    maybeOldBase(image, rebasing),
  ]);
  const reference = formatReference(onto);
  const { digest } = base.descriptor;
  const newBase = { manifest: base.manifest, config: base.config, reference, digest };
  const rebased = rebaseDocuments({
    image,
    ...(oldBase === undefined ? {} : { oldBase }),
    newBase,
  });
  await refuseMisfit(image, { rebased, newBase }, rebasing);
  return { from: image, image: rebased, base: digest };
}

/** Sends the missing parts of a rebased image, by digest. */
async function send(
  { image, from }: Rebased,
  { request, clients, context: { signal, reporter } }: Rebasing,
): Promise<RebaseResult["blobs"]> {
  const { image: reference, onto, jobs } = request;
  const client = await clients.of(reference);
  const base = image.layers.slice(0, image.baseLayers);
  const blobs = new RemoteBlobs(await clients.of(onto), {
    repository: onto.repository,
    blobs: base,
    signal,
  });
  const { config, manifest } = image;
  const { uploaded, present, mounted, bytesSent } = await uploadImage(client, {
    manifest,
    config: config.descriptor,
    layers: image.layers,
    source: withDocuments(blobs, new Map([[config.descriptor.digest, config.bytes]])),
  }, {
    reference,
    untagged: true,
    baseOrigin: { ...onto, layers: new Set(base.map(({ digest }) => digest)) },
    jobs,
    onEvent: (event) =>
      reporter.emit(
        event.type === "start"
          ? { ...event, label: `${formatPlatform(from.platform)} ${event.label}` }
          : event,
      ),
    signal,
  });
  return { uploaded, present, mounted, uploadedBytes: bytesSent };
}

function sum(parts: readonly RebaseResult["blobs"][]): RebaseResult["blobs"] {
  return parts.reduce((a, b) => ({
    uploaded: a.uploaded + b.uploaded,
    present: a.present + b.present,
    mounted: a.mounted + b.mounted,
    uploadedBytes: a.uploadedBytes + b.uploadedBytes,
  }));
}

/** @throws {MiseOciError} if the tag was changed during the rebase. */
async function refuseMovedTag(root: Root, { request, clients, context }: Rebasing): Promise<void> {
  const { image: { repository, tag = "latest" } } = request;
  const client = await clients.of(request.image);
  const digest = await headManifest(client, {
    repository,
    target: tag,
    actions: ["pull", "push"],
    signal: context.signal,
  });
  if (digest === root.digest) return;
  throw new MiseOciError("registry", `Cannot set tag "${tag}": it was pushed to meanwhile`, {
    hint: "Rebase again",
  });
}

/**
 * Rebases every platform of an image in a registry. The tags are written last.
 *
 * @throws {MiseOciError} `usage` for a digest without tags; `unsupported` or `check` with the reason if the
 * image would not be correct on the new base; `auth`, `network`, `registry`. The tag is unchanged then.
 */
export async function rebaseImage(
  request: RebaseRequest,
  context: WorkflowContext,
): Promise<RebaseResult> {
  const { image, onto } = request;
  const { registry, repository, tag = "latest" } = image;
  if (image.digest !== undefined && request.tags.length === 0) {
    throw new MiseOciError("usage", `Cannot rebase "${formatReference(image)}": it has a digest`, {
      hint: "Give --tag TAG for the result",
    });
  }
  using clients = new RegistryClients(request, context);
  const cache = await openBuildCache(context);
  const rebasing = { request, clients, cache, context };
  const root = await readRoot(rebasing);
  const rebased = await Promise.all(root.images.map((one) => rebaseOne(one, rebasing)));
  const blobs = sum(await Promise.all(rebased.map((one) => send(one, rebasing))));
  const tags = request.tags.length === 0 ? [tag] : request.tags;
  if (image.digest === undefined && tags.includes(tag)) await refuseMovedTag(root, rebasing);
  const document = root.index === undefined
    ? rebased[0]?.image.manifest
    : encodedDocument(MediaType.index, encodeIndex({ ...root.index, manifests: entries(rebased) }));
  if (document === undefined) throw new TypeError("A rebase without an image");
  const client = await clients.of(image);
  for (const target of tags) {
    await putManifest(client, { repository, target, ...document, signal: context.signal });
  }
  return {
    digest: document.descriptor.digest,
    references: tags.map((one) => formatReference({ registry, repository, tag: one })),
    base: formatReference(onto),
    images: rebased.map(({ from, image: { manifest }, base }) => ({
      platform: from.platform,
      from: from.descriptor.digest,
      digest: manifest.descriptor.digest,
      base,
    })),
    blobs,
  };
}

function entries(rebased: readonly Rebased[]): readonly Descriptor[] {
  return rebased.map(({ from, image: { manifest } }) => ({
    ...from.descriptor,
    ...manifest.descriptor,
  }));
}
