/**
 * Blobs that are in memory, in front of those that are in a store.
 * @module
 */
import type { Digest } from "../oci/mod.ts";
import type { BlobRange, BlobSource } from "../store/mod.ts";

/** A source that has the given documents in addition to those of `source`. */
export function withDocuments(
  source: BlobSource,
  documents: ReadonlyMap<Digest, Uint8Array<ArrayBuffer>>,
): BlobSource {
  return {
    size: (digest) => {
      const bytes = documents.get(digest);
      return bytes === undefined ? source.size(digest) : Promise.resolve(bytes.length);
    },
    open: (digest: Digest, range?: BlobRange) => {
      const bytes = documents.get(digest);
      if (bytes === undefined) return source.open(digest, range);
      const part = bytes.slice(range?.start ?? 0, range?.end ?? bytes.length);
      return Promise.resolve(ReadableStream.from([part]));
    },
  };
}
