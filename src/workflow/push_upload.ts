/**
 * The part of a push that every way of getting an image has in common: blobs, manifests, then the tag.
 * @module
 */
import { MiseOciError } from "../errors.ts";
import {
  Annotation,
  type Digest,
  formatReference,
  parseReference,
  type Reference,
  shortDigest,
} from "../oci/mod.ts";
import type { PlatformEntry, RegistryClient } from "../registry/mod.ts";
import { type BaseOrigin, type PushEvent, pushImage as pushToRegistry } from "../registry/push.ts";
import { putManifest } from "../registry/put_manifest.ts";
import type { BlobSource, ResolvedImage } from "../store/mod.ts";
import type { ObtainedImages } from "./layout_images.ts";
import type { WorkflowContext } from "../context.ts";
import type { PushRequest, PushResult } from "./types.ts";

/** Loaded late: only --update-index needs it. */
const indexModule = () => import("../registry/update_index.ts");

/** A tag that is not written means `latest`, as everywhere; a digest cannot be pushed to. */
export function destinationOf(reference: Reference): Reference {
  const { registry, repository, tag = "latest", digest } = reference;
  if (digest === undefined) return { registry, repository, tag };
  throw new MiseOciError(
    "usage",
    `Cannot push to "${
      formatReference(reference)
    }": a digest is what an image has, not where it goes`,
    { hint: "Name a tag" },
  );
}

/**
 * Where the base's layers can be mounted from, by what the manifest says of its base.
 *
 * @param count of the base's layers; without, those count that mise-oci did not make.
 */
function maybeBaseOrigin(
  { manifest }: ResolvedImage,
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

/** What people call a blob: the tool in it rather than its digest. */
function named(
  event: Extract<PushEvent, { type: "start" }>,
  { manifest }: ResolvedImage,
): PushEvent {
  const layer = manifest.layers.find(({ digest }) => event.label.includes(shortDigest(digest)));
  const short = layer?.annotations?.[Annotation.toolShort];
  const name = short === undefined
    ? layer?.annotations?.[Annotation.copy] ?? layer?.annotations?.[Annotation.layerKind]
    : `${short} ${layer?.annotations?.[Annotation.toolVersion] ?? ""}`.trimEnd();
  return name === undefined ? event : { ...event, label: `${name} ${event.label}` };
}

/** Blobs of one source, and of another what the first lacks. */
function withElsewhere(source: BlobSource, elsewhere: BlobSource): BlobSource {
  return {
    size: async (digest) => await source.size(digest) ?? await elsewhere.size(digest),
    open: async (digest, range) => {
      const place = await source.size(digest) === undefined ? elsewhere : source;
      return await place.open(digest, range);
    },
  };
}

/** Sends an image, by its digest alone or to the tag. */
async function uploadOne(
  client: RegistryClient,
  image: ResolvedImage,
  options: UploadOptions & {
    readonly untagged: boolean;
    readonly baseLayers: number | undefined;
    readonly obtained: ObtainedImages;
  },
): Promise<NonNullable<PushResult["blobs"]>> {
  const { request, untagged, baseLayers, context: { reporter, signal } } = options;
  const { origins, elsewhere } = options.obtained;
  const { descriptor, manifest, manifestBytes } = image;
  const pushed = await pushToRegistry(client, {
    manifest: { descriptor, bytes: manifestBytes },
    config: manifest.config,
    layers: manifest.layers,
    source: elsewhere === undefined ? image.source : withElsewhere(image.source, elsewhere),
  }, {
    reference: destinationOf(request.destination),
    untagged,
    baseOrigin: maybeBaseOrigin(image, baseLayers),
    origins,
    jobs: request.jobs,
    onEvent: (event) => reporter.emit(event.type === "start" ? named(event, image) : event),
    signal,
  });
  const { uploaded, present, mounted, bytesSent } = pushed;
  return { uploaded, present, mounted, uploadedBytes: bytesSent };
}

/** What an upload is asked to do. */
export interface UploadOptions {
  readonly request: PushRequest;
  readonly context: WorkflowContext;
}

function entryOf({ descriptor, platform }: ResolvedImage): PlatformEntry {
  const { mediaType, digest, size } = descriptor;
  return { mediaType, digest, size, platform };
}

/** Makes the tag name what was sent by digest; a single image was sent to it already. */
async function setTag(
  client: RegistryClient,
  { images, index }: ObtainedImages,
  { request, context: { signal } }: UploadOptions,
): Promise<Digest | undefined> {
  const reference = destinationOf(request.destination);
  if (request.updateIndex) {
    const { updateIndex } = await indexModule();
    const { digest } = await updateIndex(client, {
      reference,
      entries: images.map(entryOf),
      signal,
    });
    return digest;
  }
  if (index === undefined) return undefined;
  const { repository, tag = "latest" } = reference;
  await putManifest(client, { repository, target: tag, ...index, signal });
  return undefined;
}

/** Sends every image, then the index that names them, so that the tag never names what is not there. */
export async function upload(
  client: RegistryClient,
  obtained: ObtainedImages,
  options: UploadOptions,
): Promise<PushResult> {
  const { images, rows, index } = obtained;
  const untagged = options.request.updateIndex || index !== undefined;
  const blobs = { uploaded: 0, present: 0, mounted: 0, uploadedBytes: 0 };
  for (const [i, image] of images.entries()) {
    const baseLayers = obtained.bases?.[i]?.layers.length;
    const sent = await uploadOne(client, image, { ...options, untagged, baseLayers, obtained });
    blobs.uploaded += sent.uploaded;
    blobs.present += sent.present;
    blobs.mounted += sent.mounted;
    blobs.uploadedBytes += sent.uploadedBytes;
  }
  const updated = await setTag(client, obtained, options);
  const [first] = images;
  if (first === undefined) throw new TypeError("A push without an image");
  const manifestDigest = (index ?? first).descriptor.digest;
  const [layers] = rows ?? [];
  const pushed = images.map(({ platform, descriptor: { digest } }, i) => {
    const own = rows?.[i];
    return { platform, digest, ...(own === undefined ? {} : { layers: own }) };
  });
  return {
    digest: updated ?? manifestDigest,
    manifestDigest,
    reference: formatReference(destinationOf(options.request.destination)),
    blobs,
    ...(layers === undefined ? {} : { layers }),
    ...(index === undefined ? {} : { images: pushed }),
  };
}
