/**
 * Checking bytes against the digest they were asked for.
 * @module
 */
import { createHash } from "node:crypto";
import { type Digest, parseDigest } from "../oci/mod.ts";

/** The digest of bytes in memory. */
export function digestOfBytes(bytes: Uint8Array): Digest {
  return parseDigest(`sha256:${createHash("sha256").update(bytes).digest("hex")}`);
}

/** What bytes are expected to be. */
export interface ExpectedBytes {
  /** Their digest. */
  readonly digest: Digest;
  /** Their number, if known. */
  readonly size?: number | undefined;
}

/** Why bytes are not what they should be; `undefined` if they are. */
export function maybeMismatch(bytes: Uint8Array, expected: ExpectedBytes): string | undefined {
  const { digest, size } = expected;
  if (size !== undefined && bytes.length !== size) {
    return `${bytes.length} bytes instead of ${size}`;
  }
  const actual = digestOfBytes(bytes);
  return actual === digest ? undefined : `digest ${actual} instead of ${digest}`;
}
