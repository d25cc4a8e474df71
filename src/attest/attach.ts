/**
 * Attaches documents to an image in a registry, as manifests that refer to the image's (image-spec,
 * manifest.md "subject"). They are listed by the referrers API or by the index with the tag `sha256-…`.
 * @module
 */
import { MiseOciError } from "../errors.ts";
import {
  type Descriptor,
  type Digest,
  digestOf,
  encodeIndex,
  encodeJson,
  encodeManifest,
  type Manifest,
  MediaType,
} from "../oci/mod.ts";
import type { FetchedManifest } from "../registry/get_manifest.ts";
import { hasBlob } from "../registry/get_blob.ts";
import { MemoryBlobs } from "../registry/memory_blobs.ts";
import { putManifest } from "../registry/put_manifest.ts";
import { listReferrers, referrersTag } from "../registry/referrers.ts";
import { rewriteTag, type TaggedManifest } from "../registry/rewrite_tag.ts";
import type { RegistryClient } from "../registry/transport.ts";
import { uploadBlob } from "../registry/upload_blob.ts";

/** A document to attach. */
export interface Artifact {
  /** Artifact type, as in the list of referrers. */
  readonly artifactType: string;
  /** Media type of its bytes; default: the artifact type. */
  readonly mediaType?: string;
  /** Its bytes. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Annotations of its manifest. */
  readonly annotations?: Readonly<Record<string, string>>;
}

/** The image to attach documents to. */
export interface AttachOptions {
  /** Repository. */
  readonly repository: string;
  /** The manifest or index to refer to. */
  readonly subject: Pick<Descriptor, "mediaType" | "digest" | "size">;
  /** Cancels the operation. */
  readonly signal?: AbortSignal | undefined;
}

/** Config of a manifest that is not an image (image-spec, "Guidance for an Empty Descriptor"). */
const EMPTY = encodeJson({});

/** Uploads bytes unless the repository has them. */
export async function pushBytes(
  client: RegistryClient,
  bytes: Uint8Array<ArrayBuffer>,
  options:
    & { readonly repository: string; readonly mediaType: string }
    & Pick<AttachOptions, "signal">,
): Promise<Descriptor> {
  const { repository, mediaType, signal } = options;
  const source = new MemoryBlobs();
  const { digest, size } = source.add(bytes);
  const blob = { mediaType, digest, size };
  if (!await hasBlob(client, { repository, digest, size, signal })) {
    await uploadBlob(client, { repository, blob, source, signal });
  }
  return blob;
}

function referrerManifest(
  artifact: Artifact,
  parts: { readonly config: Descriptor; readonly layer: Descriptor },
  { subject }: AttachOptions,
): Manifest {
  const { artifactType, annotations } = artifact;
  const { mediaType, digest, size } = subject;
  return {
    artifactType,
    config: parts.config,
    layers: [parts.layer],
    subject: { mediaType, digest, size },
    ...(annotations === undefined ? {} : { annotations }),
  };
}

/** Whether a registry refused the content, rather than the credentials. */
function isRefusal(error: unknown): boolean {
  return error instanceof MiseOciError && error.code === "registry" &&
    /answered (?:400|415|422)\b/.test(error.message);
}

/** Stores the manifest. A registry that accepts only known config types gets an image's config type. */
async function putArtifact(
  client: RegistryClient,
  artifact: Artifact,
  options: AttachOptions,
): Promise<Descriptor> {
  const { repository, signal } = options;
  const { artifactType, mediaType = artifactType, annotations, bytes } = artifact;
  const layer = await pushBytes(client, bytes, { repository, mediaType, signal });
  const empty = await pushBytes(client, EMPTY, { repository, mediaType: MediaType.empty, signal });
  const put = async (config: Descriptor): Promise<Descriptor> => {
    const body = encodeManifest(referrerManifest(artifact, { config, layer }, options));
    const descriptor = {
      mediaType: MediaType.manifest,
      digest: await digestOf(body),
      size: body.length,
    };
    const target = descriptor.digest;
    await putManifest(client, { repository, target, descriptor, bytes: body, signal });
    return {
      ...descriptor,
      artifactType,
      ...(annotations === undefined ? {} : { annotations }),
    };
  };
  try {
    return await put(empty);
  } catch (error) {
    if (!isRefusal(error)) throw error;
    client.log(1, `${(error as MiseOciError).message}; trying an image's config`);
    return await put({ ...empty, mediaType: MediaType.config });
  }
}

/** Adds entries to the index of referrers; `undefined` if it has them all. */
function withEntries(
  current: FetchedManifest | undefined,
  entries: readonly Descriptor[],
): TaggedManifest | undefined {
  const index = current?.content.kind === "index" ? current.content.index : { manifests: [] };
  const known = new Set<Digest>(index.manifests.map(({ digest }) => digest));
  const added = entries.filter(({ digest }) => !known.has(digest));
  if (added.length === 0) return undefined;
  const { mediaType: _, ...rest } = index;
  const bytes = encodeIndex({ ...rest, manifests: [...index.manifests, ...added] });
  return { mediaType: MediaType.index, bytes };
}

/**
 * Lists referrers in a tag, for a registry without the referrers API.
 *
 * @throws {MiseOciError} as `rewriteTag`.
 */
export async function listInTag(
  client: RegistryClient,
  entries: readonly Descriptor[],
  { repository, subject, signal }: AttachOptions,
): Promise<void> {
  await rewriteTag(client, {
    repository,
    tag: referrersTag(subject.digest),
    change: (current) => withEntries(current, entries),
    signal,
  });
}

/**
 * Attaches documents to a manifest in the registry. Documents that are already attached are not attached
 * again; other entries of the list are kept.
 *
 * @returns the descriptors of their manifests.
 * @throws {MiseOciError} `auth`, `registry`, `network`.
 */
export async function attachArtifacts(
  client: RegistryClient,
  artifacts: readonly Artifact[],
  options: AttachOptions,
): Promise<readonly Descriptor[]> {
  if (artifacts.length === 0) return [];
  const { repository, subject, signal } = options;
  const attached: Descriptor[] = [];
  for (const artifact of artifacts) attached.push(await putArtifact(client, artifact, options));
  // Only now, because a registry with the API lists the manifests once they are stored.
  const listed = await listReferrers(client, { repository, digest: subject.digest, signal });
  const known = new Set(listed.entries.map(({ digest }) => digest));
  const missing = attached.filter(({ digest }) => !known.has(digest));
  if (!listed.api && missing.length > 0) await listInTag(client, missing, options);
  return attached;
}
