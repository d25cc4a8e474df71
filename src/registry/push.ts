/**
 * Pushes an image: missing blobs first, then the manifest, then the tag, so that a failed push never leaves a
 * tag that points at an incomplete image.
 * @module
 */
import { mapConcurrently } from "../concurrency.ts";
import { describeError, MiseOciError } from "../errors.ts";
import {
  type Descriptor,
  type Digest,
  isForeignLayer,
  type Reference,
  referenceTarget,
  shortDigest,
} from "../oci/mod.ts";
import type { BlobSource } from "../store/ports.ts";
import { headManifest, type ManifestRequest } from "./get_manifest.ts";
import { hasBlob } from "./get_blob.ts";
import { putManifest } from "./put_manifest.ts";
import type { RegistryClient } from "./transport.ts";

/** An image to be pushed. */
export interface PushableImage {
  /** The manifest: its descriptor and its exact bytes. */
  readonly manifest: { readonly descriptor: Descriptor; readonly bytes: Uint8Array<ArrayBuffer> };
  /** The config. */
  readonly config: Descriptor;
  /** The layers, bottom first. */
  readonly layers: readonly Descriptor[];
  /** Source of the config's and the layers' bytes. A blob that the registry has is never read. */
  readonly source: BlobSource;
}

/** The source of the base image's layers. */
export interface BaseOrigin {
  /** The base's registry; mounts work only within one registry. */
  readonly registry: string;
  /** The base's repository. */
  readonly repository: string;
  /** Digests of the base's layers. */
  readonly layers: ReadonlySet<Digest>;
}

/** Events for a blob, in the form of a reporter's events. */
export type PushEvent =
  | { readonly type: "start"; readonly id: string; readonly label: string; readonly total: number }
  | { readonly type: "advance"; readonly id: string; readonly bytes: number }
  | { readonly type: "done"; readonly id: string; readonly note?: string }
  | { readonly type: "failed"; readonly id: string };

/** Options of {@linkcode uploadImage}. */
export interface PushOptions {
  /** The base image, if its layers may be mounted instead of uploaded. */
  readonly baseOrigin?: BaseOrigin | undefined;
  /** Other repositories whose blobs may be mounted. */
  readonly origins?: readonly BaseOrigin[] | undefined;
  /** Number of concurrent uploads. Default 4. */
  readonly jobs?: number | undefined;
  /** Length of a chunk of a large blob, unless the registry requires another. Default 64 MiB. */
  readonly chunkBytes?: number | undefined;
  /** Pushes the manifest by digest only; `updateIndex` sets the tag. */
  readonly untagged?: boolean | undefined;
  /** Called with the events of each blob. */
  readonly onEvent?: ((event: PushEvent) => void) | undefined;
  /** Aborts the push; open upload sessions are cancelled. */
  readonly signal?: AbortSignal | undefined;
}

/** Result of {@linkcode uploadImage}. */
export interface UploadResult {
  /** Digest of the manifest. */
  readonly digest: Digest;
  /** Number of blobs uploaded. */
  readonly uploaded: number;
  /** Number of blobs that already existed in the repository. */
  readonly present: number;
  /** Number of blobs mounted from the base's repository. */
  readonly mounted: number;
  /** Bytes of blobs that were sent, including repeated ones. */
  readonly bytesSent: number;
}

const DEFAULT_JOBS = 4;
/** Number of concurrent requests without a body. */
const HEAD_JOBS = 16;

/** The distinct blobs of an image, the config first, without layers that must not be distributed. */
function blobsOf(image: PushableImage): readonly Descriptor[] {
  const blobs = new Map<Digest, Descriptor>();
  for (const blob of [image.config, ...image.layers]) {
    if (!isForeignLayer(blob.mediaType)) blobs.set(blob.digest, blob);
  }
  return [...blobs.values()];
}

interface Counts {
  uploaded: number;
  mounted: number;
  bytesSent: number;
}

/**
 * Pushes an image to `reference` (its digest, if it has one, is not used).
 *
 * @throws {MiseOciError} `auth` if the user may not push there, `registry`, `network`; `integrity` if the
 * source's bytes are not the image's. The tag is unchanged then.
 */
export async function uploadImage(
  client: RegistryClient,
  image: PushableImage,
  options: PushOptions & { readonly reference: Reference },
): Promise<UploadResult> {
  const { reference, untagged = false, signal } = options;
  const { repository } = reference;
  const { descriptor, bytes } = image.manifest;
  const target = untagged
    ? descriptor.digest
    : referenceTarget({ registry: reference.registry, repository, tag: reference.tag ?? "latest" });
  // First and alone, so that one login is used for all later requests.
  const known = await maybeKnownDigest(client, { repository, target, signal });
  const blobs = blobsOf(image);
  const missing = await findMissing(client, blobs, options);
  const counts: Counts = { uploaded: 0, mounted: 0, bytesSent: 0 };
  const mounted = await uploadAll(client, missing, { image, options, counts });
  if (known !== descriptor.digest || missing.length > 0) {
    const put = (): Promise<Digest> =>
      putManifest(client, { repository, target, descriptor, bytes, signal });
    try {
      await put();
    } catch (error) {
      const lacking = blobsToSendAgain(error, blobs, mounted);
      if (lacking.length === 0) throw withForeignHint(error, image);
      client.log(1, `Sending ${lacking.length} blobs again: ${describeError(error)}`);
      counts.mounted -= lacking.filter(({ digest }) => mounted.has(digest)).length;
      await uploadAll(client, lacking, {
        image,
        options: { ...options, baseOrigin: undefined },
        counts,
      });
      await put();
    }
  }
  const present = blobs.length - missing.length;
  return { digest: descriptor.digest, present, ...counts };
}

/**
 * The blobs that are missing when a registry refuses a manifest: those that it names, and those that it
 * reported as mounted, which is not reliable then (fault R31). A registry may also have deleted blobs.
 */
function blobsToSendAgain(
  error: unknown,
  blobs: readonly Descriptor[],
  mounted: ReadonlySet<Digest>,
): readonly Descriptor[] {
  if (!(error instanceof MiseOciError) || !/BLOB_UNKNOWN/.test(error.message)) return [];
  return blobs.filter(({ digest }) => mounted.has(digest) || error.message.includes(digest));
}

/** Explains the possible cause if a manifest with layers that are never sent is refused. */
function withForeignHint(error: unknown, { layers }: PushableImage): unknown {
  const foreign = layers.find(({ mediaType }) => isForeignLayer(mediaType));
  const refused = error instanceof MiseOciError &&
    /BLOB_UNKNOWN|MANIFEST_INVALID|UNSUPPORTED/.test(error.message);
  if (!refused || foreign === undefined) return error;
  return new MiseOciError(error.code, error.message, {
    cause: error,
    hint:
      `Layer ${foreign.digest} of the base may not be distributed (${foreign.mediaType}) and was not sent: ` +
      "let the registry accept such layers, or use another base",
  });
}

/** The current digest of the tag, if it can be determined: a broken image may be replaced. */
async function maybeKnownDigest(
  client: RegistryClient,
  request: Omit<ManifestRequest, "actions">,
): Promise<Digest | undefined> {
  try {
    return await headManifest(client, { ...request, actions: ["pull", "push"] });
  } catch (error) {
    const bad = error instanceof MiseOciError && ["invalid", "unsupported"].includes(error.code);
    if (!bad) throw error;
    client.log(1, error.message);
    return undefined;
  }
}

/** The blobs that the repository does not have, in order. */
async function findMissing(
  client: RegistryClient,
  blobs: readonly Descriptor[],
  options: PushOptions & { readonly reference: Reference },
): Promise<readonly Descriptor[]> {
  const { reference: { repository }, signal, onEvent } = options;
  const present = new Set<Digest>();
  await mapConcurrently(blobs, { limit: HEAD_JOBS, signal }, async ({ digest, size }, signal) => {
    if (!await hasBlob(client, { repository, digest, size, signal })) return;
    present.add(digest);
    onEvent?.({ type: "start", id: digest, label: shortDigest(digest), total: size });
    onEvent?.({ type: "done", id: digest, note: "already present" });
  });
  return blobs.filter(({ digest }) => !present.has(digest));
}

/** Uploads blobs. @returns those that the registry reported as mounted. */
async function uploadAll(
  client: RegistryClient,
  blobs: readonly Descriptor[],
  push: {
    readonly image: PushableImage;
    readonly options: PushOptions & { readonly reference: Reference };
    readonly counts: Counts;
  },
): Promise<ReadonlySet<Digest>> {
  const mounted = new Set<Digest>();
  if (blobs.length === 0) return mounted;
  // Often there is nothing to send, and the upload code is not needed.
  const { uploadBlob } = await import("./upload_blob.ts");
  const { image: { source }, options, counts } = push;
  const { reference: { registry, repository }, onEvent, chunkBytes, baseOrigin, origins = [] } =
    options;
  const places = [...baseOrigin === undefined ? [] : [baseOrigin], ...origins]
    .filter((place) => place.registry === registry);
  const limit = options.jobs ?? DEFAULT_JOBS;
  await mapConcurrently(blobs, { limit, signal: options.signal }, async (blob, signal) => {
    const { digest: id, size: total } = blob;
    onEvent?.({ type: "start", id, label: shortDigest(id), total });
    try {
      const { outcome, bytesSent } = await uploadBlob(client, {
        repository,
        blob,
        source,
        mountFrom: places.find(({ layers }) => layers.has(id))?.repository,
        chunkBytes,
        onProgress: (bytes) => onEvent?.({ type: "advance", id, bytes }),
        signal,
      });
      counts[outcome]++;
      if (outcome === "mounted") mounted.add(id);
      counts.bytesSent += bytesSent;
      onEvent?.({ type: "done", id, ...(outcome === "mounted" ? { note: outcome } : {}) });
    } catch (error) {
      onEvent?.({ type: "failed", id });
      throw error;
    }
  });
  return mounted;
}
