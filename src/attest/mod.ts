/**
 * What is in an image and who made it: bills of materials, provenance, signatures, and how they are
 * attached to an image in a registry. Nothing else needs this folder.
 *
 * Here is what signs, verifies and copies. What lists packages is imported file by file, so that a push with
 * a bill of materials does not load what reads keys.
 * @module
 */
export { listInTag } from "./attach.ts";
export { copyReferrers } from "./copy_referrers.ts";
export { openKeyless } from "./keyless.ts";
export { parseSigningKey, parseVerifyingKey, type SigningKey, type VerifyingKey } from "./keys.ts";
export { type Signer, signSubject } from "./sign.ts";
export { findSignatures, isApproved, type Verification } from "./verify.ts";
