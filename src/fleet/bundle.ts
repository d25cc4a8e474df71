/**
 * Bundles images for a registry that is not reachable from here, without the layers that the recipient has
 * (spec section 14).
 * @module
 */
import { MiseOciError } from "../errors.ts";
import {
  Annotation,
  type Descriptor,
  type Digest,
  type Index,
  type ManifestOrIndex,
  maybeManifestKind,
} from "../oci/mod.ts";
import { COSIGN_KINDS, cosignTag, maybeCosignSubject } from "../oci/cosign_tag.ts";
import { checkReferrerCount, MAX_REFERRER_DEPTH } from "../registry/referrers.ts";
import { type ImageStore, readDocument, readManifest, tagOf } from "../store/mod.ts";

/** Images of one store to bundle. */
export interface BundledImages {
  /** The store. */
  readonly store: ImageStore;
  /** Their entries in its index, with names. */
  readonly entries: readonly Descriptor[];
  /** Their attachments, from {@linkcode attachedTo}. */
  readonly attached: readonly Descriptor[];
}

/** The entries of a store; unnamed ones get the name of the store's argument. */
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

/** All manifests and indexes reachable from some entries, for all platforms. */
async function manifestsBelow(
  store: ImageStore,
  entries: readonly Descriptor[],
): Promise<ReadonlyMap<Digest, ManifestOrIndex>> {
  const found = new Map<Digest, ManifestOrIndex>();
  const visit = async (entry: Descriptor): Promise<void> => {
    if (found.has(entry.digest) || maybeManifestKind(entry.mediaType) === undefined) return;
    const { content } = await readManifest(store, entry);
    found.set(entry.digest, content);
    for (const child of content.kind === "index" ? content.index.manifests : []) await visit(child);
  };
  for (const entry of entries) await visit(entry);
  return found;
}

/** All layers reachable from some entries. */
export async function layersBelow(
  store: ImageStore,
  entries: readonly Descriptor[],
): Promise<ReadonlyMap<Digest, Descriptor>> {
  const layers = new Map<Digest, Descriptor>();
  for (const content of (await manifestsBelow(store, entries)).values()) {
    if (content.kind === "index") continue;
    for (const layer of content.manifest.layers) layers.set(layer.digest, layer);
  }
  return layers;
}

/** Artifact type that marks cosign's signatures as not being images. */
const SIGNATURES = "application/vnd.dev.cosign.artifact.sig.v1+json";

/** The referrers of manifests in a registry, and what cosign's tags name. */
async function attachedInRegistry(
  store: ImageStore,
  subjects: Iterable<Digest>,
): Promise<readonly Descriptor[]> {
  const found = new Map<Digest, Descriptor>();
  const look = async (subject: Digest, depth: number): Promise<void> => {
    const listed = await store.referrers?.(subject) ?? [];
    checkReferrerCount(subject, listed);
    for (const { mediaType, digest, size, artifactType } of listed) {
      if (found.has(digest) || maybeManifestKind(mediaType) !== "manifest") continue;
      const { content } = await readManifest(store, { mediaType, digest, size });
      // The list is not trusted, as anyone could have written it.
      if (content.kind !== "manifest" || content.manifest.subject?.digest !== subject) continue;
      found.set(digest, {
        mediaType,
        digest,
        size,
        ...(artifactType === undefined ? {} : { artifactType }),
      });
      if (depth < MAX_REFERRER_DEPTH) await look(digest, depth + 1);
    }
  };
  for (const subject of subjects) {
    await look(subject, 0);
    for (const kind of COSIGN_KINDS) {
      const tag = cosignTag(subject, kind);
      const entry = await store.tagged?.(tag);
      if (entry === undefined) continue;
      const annotations = { [Annotation.refName]: tag };
      found.set(entry.digest, { ...entry, artifactType: SIGNATURES, annotations });
    }
  }
  return [...found.values()];
}

/** The entries of an index that refer to manifests. */
async function attachedInIndex(
  store: ImageStore,
  subjects: ReadonlyMap<Digest, unknown>,
): Promise<readonly Descriptor[]> {
  const found: Descriptor[] = [];
  for (const entry of (await store.index()).manifests) {
    if (maybeManifestKind(entry.mediaType) !== "manifest") continue;
    const { content } = await readManifest(store, entry);
    const subject = maybeCosignSubject(tagOf(entry) ?? "") ??
      (content.kind === "manifest" ? content.manifest.subject?.digest : undefined);
    if (subject !== undefined && subjects.has(subject)) found.push(entry);
  }
  return found;
}

/**
 * Finds what is attached to images: bills of materials, provenance, signatures, as entries of an index.
 *
 * @throws {MiseOciError} `auth`, `registry`, `network`, `integrity`; `invalid` if there are too many.
 */
export async function attachedTo(
  store: ImageStore,
  entries: readonly Descriptor[],
): Promise<readonly Descriptor[]> {
  const subjects = await manifestsBelow(store, entries);
  return store.referrers === undefined
    ? await attachedInIndex(store, subjects)
    : await attachedInRegistry(store, subjects.keys());
}

/**
 * Combines several stores into one, whose index has all entries.
 *
 * @throws {MiseOciError} `usage` for two images with the same name.
 */
export function joinStores(images: readonly BundledImages[]): ImageStore {
  const named = images.flatMap(({ entries }) => entries);
  const names = named.flatMap(({ annotations }) => annotations?.[Annotation.refName] ?? []);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) {
    throw new MiseOciError("usage", `Cannot bundle two images named "${twice}"`, {
      hint: "Give each image once",
    });
  }
  const attached = new Map(
    images.flatMap((one) => one.attached).map((entry) => [tagOf(entry) ?? entry.digest, entry]),
  );
  const manifests = [...named, ...attached.values()];
  // Registries distinguish manifests from blobs, so documents read as manifests are served from memory.
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
        images.find(({ entries, attached }) =>
          [...entries, ...attached].some((entry) => entry.digest === digest)
        )?.store;
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
