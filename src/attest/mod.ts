/**
 * Bills of materials, provenance and signatures, and attaching them to an image in a registry. Nothing else
 * depends on this folder.
 * @module
 */
export { type Artifact, attachArtifacts, type AttachOptions, listInTag } from "./attach.ts";
export { comparePackages, type PackageChange } from "./compare_packages.ts";
export { copyReferrers, type CopyReferrersOptions } from "./copy_referrers.ts";
export { CYCLONEDX_TYPE, encodeCycloneDx } from "./cyclonedx.ts";
export type { DocumentTool } from "./document_id.ts";
export {
  type Component,
  type Distribution,
  type Inventory,
  type InventoryInput,
  type InventoryLayer,
  makeInventory,
} from "./inventory.ts";
export { type GitRevision, maybeReadRevision } from "./git_revision.ts";
export {
  type AskPassword,
  parseSigningKey,
  parseVerifyingKey,
  type SigningKey,
  type VerifyingKey,
} from "./keys.ts";
export { type LockedTool, parseLockFile } from "./lock_file.ts";
export {
  encodeLayerPackages,
  type LayerPackages,
  maybeParseLayerPackages,
} from "./packages/found.ts";
export { PackagesCollector, readBlobPackages, readTreePackages } from "./packages/read_layer.ts";
export {
  type Builder,
  type ConfigDigest,
  makeProvenance,
  type ProvenanceInput,
  readBuilder,
} from "./provenance.ts";
export { openKeyless } from "./keyless.ts";
export { type Signer, type SignOptions, signSubject } from "./sign.ts";
export { encodeSpdx, SPDX_TYPE } from "./spdx.ts";
export { encodeStatement, IN_TOTO_TYPE, PredicateType, type Statement } from "./statement.ts";
export {
  findSignatures,
  isApproved,
  type SignatureQuery,
  type Verification,
  type VerifiedSignature,
} from "./verify.ts";
