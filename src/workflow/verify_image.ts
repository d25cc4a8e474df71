/**
 * `verify`: whether an image in a registry is signed by a key.
 * @module
 */
import { findSignatures, type Verification } from "../attest/mod.ts";
import { type Digest, formatReference, type Reference, referenceTarget } from "../oci/mod.ts";
import { fetchManifest } from "../registry/mod.ts";
import { loadVerifyingKey } from "../build/access/key_files.ts";
import { openRegistry, readAccess } from "../build/access/registry_access.ts";
import { requireApproval } from "../build/access/verify_signed.ts";
import type { WorkflowContext } from "../context.ts";

/** The flags of `verify`, parsed. */
export interface VerifyRequest {
  /** The image. */
  readonly reference: Reference;
  /** Absolute path of the public key. */
  readonly key: string;
  /** Absolute working directory, for mise's settings. */
  readonly directory: string;
}

/** What `verify` found. */
export interface VerifiedImage extends Verification {
  /** The image in full. */
  readonly image: string;
  /** Digest of what it names. */
  readonly digest: Digest;
}

/**
 * Verifies an image in a registry: the manifest or index that the reference names.
 *
 * @throws {MiseOciError} `trust` if the key did not sign it; the errors of reading the registry.
 */
export async function verifyImage(
  request: VerifyRequest,
  context: WorkflowContext,
): Promise<VerifiedImage> {
  const { reference, directory } = request;
  const { signal } = context;
  const key = await loadVerifyingKey(request.key);
  const access = await readAccess(reference, { directory }, context);
  const client = await openRegistry(reference, access, context);
  try {
    const { repository } = reference;
    const target = referenceTarget(reference);
    const { descriptor: { digest } } = await fetchManifest(client, { repository, target, signal });
    const found = await findSignatures(client, key, { repository, digest, signal });
    const image = formatReference(reference);
    requireApproval(image, request.key, found);
    return { image, digest, ...found };
  } finally {
    client.close();
  }
}
