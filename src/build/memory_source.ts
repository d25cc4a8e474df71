/**
 * A blob source with additional documents in memory.
 * @module
 */
import type { Digest } from "../oci/mod.ts";
import type { BlobRange, BlobSource } from "../store/mod.ts";

/** Adds documents to the blobs of `source`. */
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
