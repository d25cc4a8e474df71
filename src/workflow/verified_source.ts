/**
 * Blobs that somebody else may have damaged, checked whole before the first part of them is used.
 * @module
 */
import type { Digest } from "../oci/mod.ts";
import type { BlobRange, BlobSource } from "../store/mod.ts";

/**
 * A source that reads a blob whole once, which verifies it, before it gives any part of it (faults
 * D06): an upload sends parts, and a part alone cannot be verified.
 */
export function verifyBeforeUse(source: BlobSource): BlobSource {
  const verified = new Map<Digest, Promise<void>>();
  const verify = async (digest: Digest): Promise<void> => {
    for await (const _chunk of await source.open(digest)) {
      // Reading to the end is what verifies.
    }
  };
  return {
    size: (digest) => source.size(digest),
    open: async (digest: Digest, range?: BlobRange) => {
      let check = verified.get(digest);
      if (check === undefined) {
        check = verify(digest);
        verified.set(digest, check);
      }
      await check;
      return await source.open(digest, range);
    },
  };
}
