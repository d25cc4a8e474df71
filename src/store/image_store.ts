/**
 * What has images in it: blobs, and an index that names some of them.
 * @module
 */
import { MiseOciError } from "../errors.ts";
import {
  Annotation,
  type Descriptor,
  type Digest,
  type Index,
  type ManifestOrIndex,
  MAX_MANIFEST_BYTES,
  parseManifest,
} from "../oci/mod.ts";
import type { BlobRange, BlobSource } from "./ports.ts";

/** A source of images, such as a layout, an archive or a repository in a registry. */
export interface ImageStore extends BlobSource {
  /** What it is, for messages: `image layout "/x"`. */
  readonly place: string;
  /** How the command line names it (`oci:/x`), so that `:TAG` or `@DIGEST` after it names one of its images. */
  readonly address?: string;
  /** Its index. @throws {MiseOciError} `layout` if it is malformed. */
  index(): Promise<Index>;
  /** A stamp of the file of a blob; absent if blobs are not separate files. */
  state?(digest: Digest): Promise<string | undefined>;
  /** A manifest, index or config, whole and verified. Default: {@linkcode readBlob}. */
  document?(descriptor: Descriptor): Promise<Uint8Array<ArrayBuffer>>;
  /** The names of all its images; absent where the index has them. */
  tags?(): Promise<readonly string[]>;
  /** The referrers of a manifest, from the list of a registry; absent for sources on this machine. */
  referrers?(digest: Digest): Promise<readonly Descriptor[]>;
  /** What another tag of the repository names; absent for places on this machine, whose index has all tags. */
  tagged?(tag: string): Promise<Descriptor | undefined>;
}

/** A manifest or index with its bytes. */
export interface ReadManifest {
  /** The bytes as they are stored. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** What they say. */
  readonly content: ManifestOrIndex;
}

/**
 * Reads a small blob, whole and verified against its descriptor.
 * @throws {MiseOciError} `not-found`, `integrity`, or `invalid` if it is larger than 4 MiB.
 */
export async function readBlob(
  source: BlobSource,
  descriptor: Descriptor,
): Promise<Uint8Array<ArrayBuffer>> {
  const { digest, size } = descriptor;
  if (size > MAX_MANIFEST_BYTES) {
    throw new MiseOciError(
      "invalid",
      `Cannot read blob "${digest}": ${size} bytes are too many for a manifest or config`,
    );
  }
  await checkSize(source, descriptor);
  const bytes = new Uint8Array(size);
  let offset = 0;
  for await (const chunk of await source.open(digest)) {
    bytes.set(chunk, offset);
    offset += chunk.length;
  }
  return bytes;
}

/** Reads a manifest, index or config. @throws {MiseOciError} as {@linkcode readBlob}. */
export function readDocument(
  store: ImageStore,
  descriptor: Descriptor,
): Promise<Uint8Array<ArrayBuffer>> {
  return store.document?.(descriptor) ?? readBlob(store, descriptor);
}

/** Reads and parses a manifest or index. @throws {MiseOciError} as {@linkcode readBlob} and `parseManifest`. */
export async function readManifest(
  store: ImageStore,
  descriptor: Descriptor,
): Promise<ReadManifest> {
  const bytes = await readDocument(store, descriptor);
  const content = parseManifest(bytes, {
    what: `manifest "${descriptor.digest}" of ${store.place}`,
    expectedMediaType: descriptor.mediaType,
  });
  return { bytes, content };
}

/** @throws {MiseOciError} `not-found` if the blob is missing, `integrity` if its size is another. */
export async function checkSize(source: BlobSource, descriptor: Descriptor): Promise<void> {
  const { digest, size } = descriptor;
  const actual = await source.size(digest);
  if (actual === size) return;
  const place = "place" in source ? ` of ${source.place}` : "";
  throw actual === undefined
    ? new MiseOciError("not-found", `Cannot find blob "${digest}"${place}`, {
      hint: "The image is incomplete; build or copy it again",
    })
    : new MiseOciError(
      "integrity",
      `Blob "${digest}"${place} has ${actual} bytes, ${size} expected`,
      { hint: "The image is damaged; build or copy it again" },
    );
}

/** The name of an entry in the index of a layout. */
export function tagOf(entry: Descriptor): string | undefined {
  return entry.annotations?.[Annotation.refName] ?? entry.annotations?.[Annotation.containerdName];
}

/** Adds documents in memory to the blobs of `source`. */
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
