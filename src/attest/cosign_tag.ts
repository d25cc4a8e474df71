/**
 * Where cosign keeps signatures at registries that have no referrers: under tags made of the digest.
 * @module
 */
import { type Digest, digestHex } from "../oci/mod.ts";

/** Annotation of a layer that has a signature. */
export const SIGNATURE_ANNOTATION = "dev.cosignproject.cosign/signature";

/** Kinds of what is kept: signatures, attestations, bills of materials of before. */
export const COSIGN_KINDS = ["sig", "att", "sbom"] as const;

/** The tag of one kind. */
export function cosignTag(digest: Digest, kind: (typeof COSIGN_KINDS)[number]): string {
  return `sha256-${digestHex(digest)}.${kind}`;
}
