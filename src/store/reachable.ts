/**
 * Which blobs belong to an image.
 * @module
 */
import { type Descriptor, type Digest, maybeManifestKind } from "../oci/mod.ts";
import { type ImageStore, readManifest } from "./image_store.ts";

/**
 * Everything that entries of an index name, with sizes: manifests before what they name, each once.
 * @throws {MiseOciError} `not-found`, `integrity` or `invalid` if a manifest cannot be read.
 */
export async function reachable(
  store: ImageStore,
  entries: readonly Descriptor[],
): Promise<Map<Digest, number>> {
  const found = new Map<Digest, number>();
  const visit = async (entry: Descriptor): Promise<void> => {
    if (found.has(entry.digest)) return;
    found.set(entry.digest, entry.size);
    if (maybeManifestKind(entry.mediaType) === undefined) return;
    const { content: parsed } = await readManifest(store, entry);
    const below = parsed.kind === "index"
      ? parsed.index.manifests
      : [parsed.manifest.config, ...parsed.manifest.layers];
    for (const blob of below) await visit(blob);
  };
  for (const entry of entries) await visit(entry);
  return found;
}
