/**
 * Copies attachments of images that are copied to a registry.
 * @module
 */
import { copyReferrers, listInTag } from "../../attest/mod.ts";
import type { WorkflowContext } from "../../context.ts";
import type { Descriptor } from "../../oci/mod.ts";
import { listReferrers, type RegistryClient } from "../../registry/mod.ts";
import { openRegistry, readAccess } from "../../build/access/registry_access.ts";
import type { ObtainedImages } from "./push_upload.ts";
import type { PushRequest } from "../types.ts";

export interface CopyAttachedOptions {
  readonly request: PushRequest;
  readonly context: WorkflowContext;
}

/** Copies the referrers that the source registry lists for images. */
async function copyFromRegistry(
  client: RegistryClient,
  { images, indexes, origin }: ObtainedImages,
  { request, context }: CopyAttachedOptions,
): Promise<void> {
  if (origin === undefined) return;
  const { signal, reporter } = context;
  const access = await readAccess(origin, { directory: request.directory }, context);
  const source = await openRegistry(origin, access, context);
  try {
    const from = { client: source, repository: origin.repository };
    const to = { client, repository: request.destination.repository };
    let copied = 0;
    for (const { descriptor: subject } of [...images, ...indexes]) {
      copied += await copyReferrers({ subject, from, to, signal });
    }
    if (copied === 0) return;
    const text = `Copied ${copied} manifests that are attached to the image`;
    reporter.emit({ type: "detail", level: 1, text });
  } finally {
    source.close();
  }
}

/** Adds the referrers from a layout to the list, if the registry does not maintain the list itself. */
async function listBrought(
  client: RegistryClient,
  { others = [] }: ObtainedImages,
  { request, context: { signal } }: CopyAttachedOptions,
): Promise<void> {
  const { repository } = request.destination;
  const bySubject = new Map<string, { subject: Descriptor; entries: Descriptor[] }>();
  for (const { descriptor, manifest } of others) {
    const { subject, artifactType = manifest.config.mediaType, annotations } = manifest;
    if (subject === undefined) continue;
    const { mediaType, digest, size } = descriptor;
    const known = bySubject.get(subject.digest) ?? { subject, entries: [] };
    known.entries.push({
      mediaType,
      digest,
      size,
      artifactType,
      ...(annotations === undefined ? {} : { annotations }),
    });
    bySubject.set(subject.digest, known);
  }
  for (const { subject, entries } of bySubject.values()) {
    const { api } = await listReferrers(client, { repository, digest: subject.digest, signal });
    if (!api) await listInTag(client, entries, { repository, subject, signal });
  }
}

/**
 * Copies the attachments of pushed images.
 *
 * @throws {MiseOciError} `auth`, `registry`, `network`, `integrity`, after the images were pushed.
 */
export async function copyAttached(
  client: RegistryClient,
  images: ObtainedImages,
  options: CopyAttachedOptions,
): Promise<void> {
  await copyFromRegistry(client, images, options);
  await listBrought(client, images, options);
}
