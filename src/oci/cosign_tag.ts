/**
 * Where cosign keeps signatures at registries that have no referrers: under tags made of the digest.
 * @module
 */
import { type Digest, digestHex, isDigest } from "./digest.ts";

/** Annotation of a layer that has a signature. */
export const SIGNATURE_ANNOTATION = "dev.cosignproject.cosign/signature";

/** Kinds of what is kept: signatures, attestations, bills of materials of before. */
export const COSIGN_KINDS = ["sig", "att", "sbom"] as const;

/** The tag of one kind. */
export function cosignTag(digest: Digest, kind: (typeof COSIGN_KINDS)[number]): string {
  return `sha256-${digestHex(digest)}.${kind}`;
}

/** The image that a tag of these is about; `undefined` for any other tag. */
export function maybeCosignSubject(tag: string): Digest | undefined {
  const [, hex, kind] = /^sha256-([0-9a-f]{64})\.(\w+)$/.exec(tag) ?? [];
  const digest = `sha256:${hex}`;
  return COSIGN_KINDS.some((one) => one === kind) && isDigest(digest) ? digest : undefined;
}
