/**
 * Layers of an image in a registry that need not be built again, because their annotations state their input.
 * @module
 */
import { mapConcurrently } from "../concurrency.ts";
import { maybeCause, MiseOciError } from "../errors.ts";
import {
  Annotation,
  type Compression,
  type Descriptor,
  type DiffId,
  type Digest,
  formatPlatform,
  formatReference,
  isForeignLayer,
  maybeLayerCompression,
  type Platform,
  type Reference,
  samePlatform,
  toOciMediaType,
} from "../oci/mod.ts";
import { NoLoginError } from "../registry/auth.ts";
import { hasBlob } from "../registry/get_blob.ts";
import type { RegistryClient } from "../registry/transport.ts";
import { RegistryImages } from "./registry_images.ts";
import { PlatformMissingError, resolveImage } from "./resolve.ts";
import type { Image } from "./types.ts";

/** A layer that would be built. */
export interface WantedLayer {
  /** The annotations it would have. */
  readonly annotations: Readonly<Record<string, string>>;
  /** How it would be compressed. */
  readonly compression: Compression;
}

/** A layer in the registry that can be used for a wanted one. */
export interface ReusableLayer {
  /** The layer with all its annotations. */
  readonly descriptor: Descriptor;
  /** Its diff ID. */
  readonly diffId: DiffId;
  /** The image that it was found in. */
  readonly from: string;
  /**
   * That image's variables, `NAME=VALUE`: they include those of a tool that is not installed on this machine.
   */
  readonly env: readonly string[];
}

/** Input of {@linkcode findReusableLayers}. */
export interface ReuseOptions {
  /** The image to search; in the repository that is pushed to, so that no blob needs to be transferred. */
  readonly reference: Reference;
  /** The platform of the image that is built. */
  readonly platform: Platform;
  /** The layers that would be built. */
  readonly wanted: readonly WantedLayer[];
  /** Ends it. */
  readonly signal?: AbortSignal;
}

/** What was found. */
export interface ReuseResult {
  /** For each wanted layer, in order, the layer that can be used for it. */
  readonly layers: readonly (ReusableLayer | undefined)[];
  /**
   * Why nothing could be reused, for a warning. `missing`: there is no such image, which is usual on the
   * first push.
   */
  readonly problem?: { readonly kind: "missing" | "broken"; readonly text: string };
}

/**
 * The annotations that together state the input of a layer, except for the exclude list. All must exist and
 * be equal.
 */
const IDENTITY: readonly string[] = [
  Annotation.toolShort,
  Annotation.toolVersion,
  Annotation.layerPrefix,
  Annotation.layerOwner,
  Annotation.layerRelocation,
  Annotation.layerFormat,
];

/** Number of concurrent requests for blobs. */
const HEAD_JOBS = 16;

/**
 * Reads an image and finds layers in it that can be used for the wanted ones: same tool, version, prefix,
 * owner, relocation, format, exclude list, platform and compression, with a blob that still exists. A missing
 * or broken image is not an error.
 *
 * @throws the reason of `signal`; {@linkcode NoLoginError}; bugs.
 */
export async function findReusableLayers(
  client: RegistryClient,
  options: ReuseOptions,
): Promise<ReuseResult> {
  const { reference, platform, wanted, signal } = options;
  const from = formatReference(reference);
  let image: Image;
  let lost: ReadonlySet<Digest>;
  try {
    const images = new RegistryImages(client, {
      reference,
      ...(signal === undefined ? {} : { signal }),
    });
    image = await resolveImage(images, { platform, warn: (text) => client.warn(text) });
    lost = await findLost(client, image, options);
  } catch (error) {
    signal?.throwIfAborted();
    if (!(error instanceof MiseOciError)) throw error;
    // Otherwise the push would fail after the build.
    if (maybeCause(error, NoLoginError) !== undefined) throw error;
    const absent = error.code === "not-found";
    // The other platforms' images are there, as when each of several jobs pushes its own with --update-index.
    const missing = absent || error instanceof PlatformMissingError;
    const text = absent
      ? `No layers are reused: there is no image "${from}"`
      : `No layers are reused: ${error.message}`;
    return nothing(wanted, { kind: missing ? "missing" : "broken", text });
  }
  if (!samePlatform(image.platform, platform)) {
    const text = `No layers are reused: "${from}" is for ${formatPlatform(image.platform)}`;
    return nothing(wanted, { kind: "missing", text });
  }
  const layers = wanted.map((layer) => {
    const found = maybeReusableLayer(image, layer, from);
    return found === undefined || lost.has(found.descriptor.digest) ? undefined : found;
  });
  if (lost.size === 0) return { layers };
  const text = `Not all layers are reused: the registry has lost ${lost.size} of "${from}"`;
  return { layers, problem: { kind: "broken", text } };
}

/** The wanted layers of an image whose blobs the registry no longer has, or does not report. */
async function findLost(
  client: RegistryClient,
  image: Image,
  { wanted, reference: { repository }, signal }: ReuseOptions,
): Promise<ReadonlySet<Digest>> {
  const layers = wanted.flatMap((layer) => maybeReusableLayer(image, layer, "")?.descriptor ?? []);
  const sizes = new Map(layers.map(({ digest, size }) => [digest, size]));
  const lost = new Set<Digest>();
  await mapConcurrently([...sizes], { limit: HEAD_JOBS, signal }, async ([digest, size], stop) => {
    if (!await hasBlob(client, { repository, digest, size, signal: stop })) lost.add(digest);
  });
  return lost;
}

function nothing(wanted: readonly WantedLayer[], problem: ReuseResult["problem"]): ReuseResult {
  return { layers: wanted.map(() => undefined), ...(problem === undefined ? {} : { problem }) };
}

/** The layer of an image that can be used for a wanted one. */
function maybeReusableLayer(
  image: Image,
  wanted: WantedLayer,
  from: string,
): ReusableLayer | undefined {
  const { manifest: { layers }, config: { diffIds, config } } = image;
  const index = layers.findIndex((layer) => matches(layer, wanted));
  const [descriptor, diffId] = [layers[index], diffIds[index]];
  if (descriptor === undefined || diffId === undefined) return undefined;
  return {
    descriptor: { ...descriptor, mediaType: toOciMediaType(descriptor.mediaType) },
    diffId,
    from,
    env: config?.Env ?? [],
  };
}

function matches(layer: Descriptor, wanted: WantedLayer): boolean {
  const { annotations = {}, mediaType } = layer;
  // Of mise's own executable nothing is written down; its diff ID is compared, for it is always here.
  const identity = wanted.annotations[Annotation.layerKind] === "mise"
    ? [Annotation.layerKind]
    : IDENTITY;
  return !isForeignLayer(mediaType) && maybeLayerCompression(mediaType) === wanted.compression &&
    identity.every((name) =>
      wanted.annotations[name] !== undefined && annotations[name] === wanted.annotations[name]
    ) &&
    // Absent if nothing is excluded, and in images built before this annotation existed.
    annotations[Annotation.layerExclude] === wanted.annotations[Annotation.layerExclude];
}
