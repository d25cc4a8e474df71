/**
 * Digests and diff IDs (image-spec, descriptor.md "Digests"; config.md "Layer DiffID").
 * @module
 */
import { MiseOciError } from "../errors.ts";

/**
 * The digest of a blob as it is stored or sent: `sha256:` and 64 lowercase hex digits. A value of this
 * type can only come from {@linkcode parseDigest}, so it is always safe as part of a path or URL.
 */
export type Digest = string & { readonly __brand: "Digest" };

/**
 * The digest of a layer's *uncompressed* tar (config.md, `rootfs.diff_ids`). It has the same grammar as
 * {@linkcode Digest} but is a different type, so that the two cannot be confused.
 */
export type DiffId = string & { readonly __brand: "DiffId" };

const SHA256 = /^sha256:[0-9a-f]{64}$/;
const ALGORITHM = /^([a-z0-9]+(?:[+._-][a-z0-9]+)*):/;

function check(text: unknown, what: string): string {
  if (typeof text === "string" && SHA256.test(text)) return text;
  const shown = JSON.stringify(typeof text === "string" ? text.slice(0, 80) : text) ?? "undefined";
  const algorithm = typeof text === "string" ? ALGORITHM.exec(text)?.[1] : undefined;
  if (algorithm !== undefined && algorithm !== "sha256") {
    throw new MiseOciError("unsupported", `Unsupported digest algorithm in ${what} ${shown}`, {
      hint: "Only sha256 digests are supported; use an image that has them",
    });
  }
  throw new MiseOciError(
    "invalid",
    `Cannot parse ${what} ${shown}: "sha256:" and 64 lowercase hex digits expected`,
  );
}

/**
 * Parses a digest.
 *
 * @throws {MiseOciError} `invalid` if it is not `sha256:` and 64 lowercase hex digits, `unsupported` if it
 * has another algorithm.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { digestHex, parseDigest } from "./digest.ts";
 *
 * const digest = parseDigest("sha256:" + "0".repeat(64));
 * assertEquals(digestHex(digest), "0".repeat(64));
 * ```
 */
export function parseDigest(text: unknown, what = "digest"): Digest {
  return check(text, what) as Digest;
}

/** Parses a diff ID; the same grammar and errors as {@linkcode parseDigest}. */
export function parseDiffId(text: unknown, what = "diff ID"): DiffId {
  return check(text, what) as DiffId;
}

/** Whether a text is a digest that {@linkcode parseDigest} accepts. */
export function isDigest(text: string): text is Digest {
  return SHA256.test(text);
}

/** The 64 hex digits of a digest: the file name below `blobs/sha256`. */
export function digestHex(digest: Digest | DiffId): string {
  return digest.slice("sha256:".length);
}

/** The algorithm and the first 12 hex digits, for display. */
export function shortDigest(digest: Digest | DiffId): string {
  return digest.slice(0, "sha256:".length + 12);
}
