/**
 * Images to carry to a registry that cannot be reached from here, without the layers that the other side has
 * (spec section 14).
 * @module
 */
import { MiseOciError } from "../errors.ts";
import {
  Annotation,
  type Descriptor,
  type Digest,
  type Index,
  maybeManifestKind,
} from "../oci/mod.ts";
import { type ImageStore, readDocument, readManifest } from "../store/mod.ts";

/** Images of a place that go into a bundle. */
export interface BundledImages {
  /** Where they are. */
  readonly store: ImageStore;
  /** Their entries of its index, with the names that they get. */
  readonly entries: readonly Descriptor[];
}

/** The entries of a place by the name of its argument, unless they have names of their own. */
export async function namedEntries(
  store: ImageStore,
  name: string | undefined,
): Promise<readonly Descriptor[]> {
  const { manifests } = await store.index();
  return manifests.map((entry) => {
    const own = entry.annotations?.[Annotation.refName] ?? name;
    return own === undefined
      ? entry
      : { ...entry, annotations: { ...entry.annotations, [Annotation.refName]: own } };
  });
}

/** Layers of all images that some entries lead to, whatever their platforms. */
export async function layersBelow(
  store: ImageStore,
  entries: readonly Descriptor[],
): Promise<ReadonlyMap<Digest, Descriptor>> {
  const layers = new Map<Digest, Descriptor>();
  const seen = new Set<Digest>();
  const visit = async (entry: Descriptor): Promise<void> => {
    if (seen.has(entry.digest) || maybeManifestKind(entry.mediaType) === undefined) return;
    seen.add(entry.digest);
    const { content } = await readManifest(store, entry);
    if (content.kind === "index") {
      for (const child of content.index.manifests) await visit(child);
    } else {
      for (const layer of content.manifest.layers) layers.set(layer.digest, layer);
    }
  };
  for (const entry of entries) await visit(entry);
  return layers;
}

/**
 * Several places as one, whose index has all entries.
 *
 * @throws {MiseOciError} `usage` for two images of one name.
 */
export function joinStores(images: readonly BundledImages[]): ImageStore {
  const manifests = images.flatMap(({ entries }) => entries);
  const names = manifests.flatMap(({ annotations }) => annotations?.[Annotation.refName] ?? []);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) {
    throw new MiseOciError("usage", `Cannot bundle two images named "${twice}"`, {
      hint: "Give each image once",
    });
  }
  // A registry tells manifests from blobs: those that were read are served from here.
  const documents = new Map<Digest, Uint8Array<ArrayBuffer>>();
  const find = async (digest: Digest): Promise<ImageStore | undefined> => {
    for (const { store } of images) if (await store.size(digest) !== undefined) return store;
    return undefined;
  };
  const missing = (digest: Digest): MiseOciError =>
    new MiseOciError("not-found", `Cannot find blob "${digest}" of the images to bundle`, {
      hint: "The image is incomplete; build or copy it again",
    });
  return {
    place: "the images to bundle",
    index: (): Promise<Index> => Promise.resolve({ manifests }),
    document: async (descriptor) => {
      const { digest } = descriptor;
      const known = documents.get(digest);
      if (known !== undefined) return known;
      const store = await find(digest) ??
        images.find(({ entries }) => entries.some((entry) => entry.digest === digest))?.store;
      if (store === undefined) throw missing(digest);
      const bytes = await readDocument(store, descriptor);
      documents.set(digest, bytes);
      return bytes;
    },
    size: async (digest) =>
      documents.get(digest)?.length ?? await (await find(digest))?.size(digest),
    open: async (digest, range) => {
      const bytes = documents.get(digest);
      if (bytes !== undefined) return ReadableStream.from([bytes.slice(range?.start, range?.end)]);
      const store = await find(digest);
      if (store === undefined) throw missing(digest);
      return await store.open(digest, range);
    },
  };
}
