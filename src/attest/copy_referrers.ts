/**
 * Copies what is attached to an image, when the image is copied between repositories.
 * @module
 */
import { type Descriptor, isForeignLayer, type Manifest, maybeManifestKind } from "../oci/mod.ts";
import { type FetchedManifest, maybeFetchManifest } from "../registry/get_manifest.ts";
import { hasBlob } from "../registry/get_blob.ts";
import { putManifest } from "../registry/put_manifest.ts";
import { checkReferrerCount, listReferrers, MAX_REFERRER_DEPTH } from "../registry/referrers.ts";
import { RemoteBlobs } from "../registry/remote_blobs.ts";
import type { RegistryClient } from "../registry/transport.ts";
import { uploadBlob } from "../registry/upload_blob.ts";
import { listInTag } from "./attach.ts";
import { COSIGN_KINDS, cosignTag } from "../oci/cosign_tag.ts";

/** One side of a copy. */
export interface ReferrersPlace {
  /** A client for its registry. */
  readonly client: RegistryClient;
  /** Repository. */
  readonly repository: string;
}

/** Options of {@linkcode copyReferrers}. */
export interface CopyReferrersOptions {
  /** The copied image or index, which the destination already has. */
  readonly subject: Pick<Descriptor, "mediaType" | "digest" | "size">;
  /** The source of the image. */
  readonly from: ReferrersPlace;
  /** The destination. */
  readonly to: ReferrersPlace;
  /** Cancels the operation. */
  readonly signal?: AbortSignal | undefined;
}

async function copyManifest(
  found: FetchedManifest & {
    readonly content: { readonly kind: "manifest"; readonly manifest: Manifest };
  },
  { from, to, signal }: CopyReferrersOptions,
  target: string,
): Promise<void> {
  const { config, layers } = found.content.manifest;
  const blobs = [config, ...layers];
  const source = new RemoteBlobs(from.client, { repository: from.repository, blobs, signal });
  for (const blob of blobs) {
    const { digest, size, mediaType } = blob;
    if (isForeignLayer(mediaType)) continue;
    const { repository } = to;
    if (await hasBlob(to.client, { repository, digest, size, signal })) continue;
    const mountFrom = from.client.registry === to.client.registry ? from.repository : undefined;
    await uploadBlob(to.client, { repository, blob, source, mountFrom, signal });
  }
  const { descriptor, bytes } = found;
  await putManifest(to.client, { repository: to.repository, target, descriptor, bytes, signal });
}

function isManifest(
  found: FetchedManifest | undefined,
): found is FetchedManifest & {
  readonly content: { readonly kind: "manifest"; readonly manifest: Manifest };
} {
  return found?.content.kind === "manifest";
}

async function copyTags(options: CopyReferrersOptions): Promise<number> {
  const { from, to, subject, signal } = options;
  let copied = 0;
  for (const kind of COSIGN_KINDS) {
    const target = cosignTag(subject.digest, kind);
    const found = await maybeFetchManifest(from.client, {
      repository: from.repository,
      target,
      signal,
    });
    if (!isManifest(found)) continue;
    const there = await maybeFetchManifest(to.client, {
      repository: to.repository,
      target,
      signal,
    });
    // A tag that exists at the destination is kept, since others may have added to it.
    if (there !== undefined) continue;
    await copyManifest(found, options, target);
    copied++;
  }
  return copied;
}

/**
 * Copies everything that refers to an image: bills of materials, provenance and signatures, both as
 * referrers and under cosign's tags. Must be called after the image was copied. Entries that are not
 * manifests, or that refer to another image, are skipped.
 *
 * @returns the number of manifests copied.
 * @throws {MiseOciError} `auth`, `registry`, `network`, `integrity`.
 */
export async function copyReferrers(options: CopyReferrersOptions, depth = 0): Promise<number> {
  const { from, to, subject, signal } = options;
  const { digest } = subject;
  const { repository } = from;
  const { entries } = await listReferrers(from.client, { repository, digest, signal });
  checkReferrerCount(digest, entries);
  const copied: Descriptor[] = [];
  for (const entry of entries) {
    if (maybeManifestKind(entry.mediaType) !== "manifest") continue;
    const descriptor = { mediaType: entry.mediaType, digest: entry.digest, size: entry.size };
    const found = await maybeFetchManifest(from.client, {
      repository,
      target: entry.digest,
      descriptor,
      signal,
    });
    if (!isManifest(found) || found.content.manifest.subject?.digest !== digest) continue;
    await copyManifest(found, options, entry.digest);
    copied.push(entry);
    if (depth < MAX_REFERRER_DEPTH) {
      await copyReferrers({ ...options, subject: descriptor }, depth + 1);
    }
  }
  if (copied.length > 0) {
    const listed = await listReferrers(to.client, { repository: to.repository, digest, signal });
    if (!listed.api) {
      await listInTag(to.client, copied, { repository: to.repository, subject, signal });
    }
  }
  return copied.length + (depth === 0 ? await copyTags(options) : 0);
}
