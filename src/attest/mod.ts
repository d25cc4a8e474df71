/**
 * Bills of materials, provenance and signatures, and attaching them to an image in a registry. Nothing else
 * depends on this folder.
 * @module
 */
export { listInTag } from "./attach.ts";
export { copyReferrers } from "./copy_referrers.ts";
export { openKeyless } from "./keyless.ts";
export { parseSigningKey, parseVerifyingKey, type SigningKey, type VerifyingKey } from "./keys.ts";
export { type Signer, signSubject } from "./sign.ts";
export { findSignatures, isApproved, type Verification } from "./verify.ts";
