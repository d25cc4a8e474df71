/**
 * `verify`: verifies that an image in a registry is signed by a key.
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

/** The result of `verify`. */
export interface VerifiedImage extends Verification {
  /** The full reference of the image. */
  readonly image: string;
  /** Digest of the manifest or index. */
  readonly digest: Digest;
}

/**
 * Verifies the manifest or index named by a reference.
 *
 * @throws {MiseOciError} `trust` if the key did not sign it; as reading the registry.
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
