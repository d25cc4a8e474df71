/**
 * Compares bytes with the requested digest.
 * @module
 */
import { type Digest, digestOf } from "../oci/mod.ts";

/** The expected properties of bytes. */
export interface ExpectedBytes {
  /** Their digest. */
  readonly digest: Digest;
  /** Their number, if known. */
  readonly size?: number | undefined;
}

/** Why bytes do not match; `undefined` if they do. */
export async function maybeMismatch(
  bytes: Uint8Array<ArrayBuffer>,
  expected: ExpectedBytes,
): Promise<string | undefined> {
  const { digest, size } = expected;
  if (size !== undefined && bytes.length !== size) {
    return `${bytes.length} bytes instead of ${size}`;
  }
  const actual = await digestOf(bytes);
  return actual === digest ? undefined : `digest ${actual} instead of ${digest}`;
}
