/**
 * Everything that belongs to an entry of an index, to be copied unchanged.
 * @module
 */
import { MiseOciError } from "../errors.ts";
import {
  type Descriptor,
  type Digest,
  formatPlatform,
  isForeignLayer,
  type Manifest,
  maybeManifestKind,
  shortDigest,
} from "../oci/mod.ts";
import { cosignTag, maybeCosignSubject } from "../oci/cosign_tag.ts";
import { checkSize, type ImageStore, readManifest, tagOf } from "../store/image_store.ts";

/** A manifest that names blobs: an image, an attestation, a signature or another artifact. */
export interface TreeManifest {
  /** What it is. */
  readonly descriptor: Descriptor;
  /** Its bytes. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** What they say. */
  readonly manifest: Manifest;
  /** The tag under which cosign looks up a signature. */
  readonly tag?: string;
}

/** What an entry names. */
export interface Tree {
  /** The entry. */
  readonly root: Descriptor;
  /** Its manifests, each once. */
  readonly manifests: readonly TreeManifest[];
  /** Its indexes, each after its entries; the root, if it is an index, is the last. */
  readonly indexes: readonly {
    readonly descriptor: Descriptor;
    readonly bytes: Uint8Array<ArrayBuffer>;
  }[];
}

async function checkBlobs(
  store: ImageStore,
  { config, layers }: Manifest,
  sparse: boolean,
): Promise<void> {
  await checkSize(store, config);
  for (const blob of layers) {
    const mayLack = sparse || isForeignLayer(blob.mediaType);
    if (!mayLack || await store.size(blob.digest) !== undefined) await checkSize(store, blob);
  }
}

function incomplete(store: ImageStore, entry: Descriptor, cause: unknown): unknown {
  if (!(cause instanceof MiseOciError) || cause.code !== "not-found") return cause;
  const what = entry.platform === undefined
    ? shortDigest(entry.digest)
    : `the image for ${formatPlatform(entry.platform)}`;
  return new MiseOciError(
    "not-found",
    `Cannot copy all of ${store.place}: it names ${what} and does not have it`,
    { cause, hint: "Name a platform that it has with --platform, or copy the whole image again" },
  );
}

/**
 * Reads everything below an entry and checks that it exists, before anything is sent.
 *
 * @throws {MiseOciError} `not-found` naming what is missing, `unsupported` for an entry that is neither a
 * manifest nor an index.
 */
export async function readTree(
  store: ImageStore,
  root: Descriptor,
  { sparse = false }: {
    /** Whether layers may be missing: the destination may have them. */
    readonly sparse?: boolean;
  } = {},
): Promise<Tree> {
  const manifests = new Map<Digest, TreeManifest>();
  const indexes = new Map<Digest, Tree["indexes"][number]>();
  let failure: unknown;
  const visit = async (entry: Descriptor): Promise<void> => {
    if (manifests.has(entry.digest) || indexes.has(entry.digest)) return;
    if (maybeManifestKind(entry.mediaType) === undefined) {
      throw new MiseOciError(
        "unsupported",
        `Cannot copy all of ${store.place}: it names a ${JSON.stringify(entry.mediaType)}`,
        { hint: "Send one image of it with --platform" },
      );
    }
    try {
      const { bytes, content } = await readManifest(store, entry);
      const { mediaType, digest, size } = entry;
      const descriptor = { mediaType, digest, size };
      if (content.kind === "manifest") {
        await checkBlobs(store, content.manifest, sparse);
        manifests.set(digest, { descriptor, bytes, manifest: content.manifest });
        return;
      }
      for (const child of content.index.manifests) await visit(child);
      indexes.set(digest, { descriptor, bytes });
    } catch (error) {
      // Reported for the innermost entry: the entries above only refer to it.
      failure ??= incomplete(store, entry, error);
      throw failure;
    }
  };
  await visit(root);
  return { root, manifests: [...manifests.values()], indexes: [...indexes.values()] };
}

/**
 * Annotations of `cosign save` for signatures and attestations of an image, and the endings of their tags.
 */
const COSIGN: ReadonlyMap<string, "sig" | "att"> = new Map([
  ["dev.cosignproject.cosign/sigs", "sig"],
  ["dev.cosignproject.cosign/atts", "att"],
]);

/** The tag that an entry gets which has signatures of one of the manifests; `undefined` for any other entry. */
function maybeSignatureTag(
  entry: Descriptor,
  { root, known }: { readonly root: Digest; readonly known: ReadonlySet<Digest> },
): string | undefined {
  const kind = COSIGN.get(entry.annotations?.["kind"] ?? "");
  if (kind !== undefined) return cosignTag(root, kind);
  const name = tagOf(entry) ?? "";
  const subject = maybeCosignSubject(name);
  return subject !== undefined && known.has(subject) ? name : undefined;
}

/**
 * What a layout has about a tree besides it: manifests whose `subject` is in it (referrers), those that have
 * the name of a tag of cosign's for it, and the signatures of `cosign save`.
 */
export async function readReferrers(
  store: ImageStore,
  tree: Tree,
): Promise<readonly TreeManifest[]> {
  const known = new Set<Digest>(
    [...tree.manifests, ...tree.indexes].map(({ descriptor }) => descriptor.digest),
  );
  const found: TreeManifest[] = [];
  for (const entry of (await store.index()).manifests) {
    if (known.has(entry.digest) || maybeManifestKind(entry.mediaType) !== "manifest") continue;
    const { bytes, content } = await readManifest(store, entry);
    if (content.kind !== "manifest") continue;
    const tag = maybeSignatureTag(entry, { root: tree.root.digest, known });
    const { subject } = content.manifest;
    if (tag === undefined && (subject === undefined || !known.has(subject.digest))) continue;
    await checkBlobs(store, content.manifest, false);
    known.add(entry.digest);
    const { mediaType, digest, size } = entry;
    found.push({
      descriptor: { mediaType, digest, size },
      bytes,
      manifest: content.manifest,
      ...(tag === undefined ? {} : { tag }),
    });
  }
  return found;
}
