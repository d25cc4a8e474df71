/**
 * The images that a reference to a registry names.
 * @module
 */
import { MiseOciError } from "../errors.ts";
import {
  type Descriptor,
  type Digest,
  formatReference,
  type Index,
  isDigest,
  MAX_MANIFEST_BYTES,
  maybeManifestKind,
  type Reference,
  referenceTarget,
  Sha256,
} from "../oci/mod.ts";
import { listTagNames } from "../registry/list_tags.ts";
import { listReferrers } from "../registry/referrers.ts";
import { fetchBlob, getBlob } from "../registry/get_blob.ts";
import {
  type FetchedManifest,
  fetchManifest,
  maybeFetchManifest,
  parseFetched,
} from "../registry/get_manifest.ts";
import type { RegistryClient } from "../registry/transport.ts";
import type { ImageStore } from "../store/image_store.ts";
import type { BlobRange, BlobSink, BlobSource } from "../store/ports.ts";

/** Options of {@linkcode RegistryImages}. */
export interface RegistryImagesOptions {
  /** The reference; if it has a tag and a digest, the digest is used. */
  readonly reference: Reference;
  /**
   * Cache for manifests and configs: with a digest in the reference and everything in the cache, the registry
   * is not contacted at all.
   */
  readonly cache?: (BlobSource & BlobSink) | undefined;
  /** Ends it. */
  readonly signal?: AbortSignal;
}

/** How often a blob is requested again if the connection breaks before any byte was received. */
const MAX_BROKEN = 3;

/** A repository as an image store: its index has the single entry that the reference names. */
export class RegistryImages implements ImageStore {
  /** A description for messages. */
  readonly place: string;
  readonly #client: RegistryClient;
  readonly #options: RegistryImagesOptions;
  readonly #sizes = new Map<Digest, number>();
  #root: Promise<FetchedManifest> | undefined;
  #tags: Promise<readonly string[]> | undefined;

  /** Fetches nothing yet. The caller closes the client. */
  constructor(client: RegistryClient, options: RegistryImagesOptions) {
    this.place = `image "${formatReference(options.reference)}"`;
    this.#client = client;
    this.#options = options;
  }

  async index(): Promise<Index> {
    this.#root ??= this.#fetch(referenceTarget(this.#options.reference));
    return { manifests: [(await this.#root).descriptor] };
  }

  async document(descriptor: Descriptor): Promise<Uint8Array<ArrayBuffer>> {
    const { reference: { repository }, cache, signal } = this.#options;
    const { digest, size, mediaType } = descriptor;
    const root = await this.#root;
    if (root?.descriptor.digest === digest) return root.bytes;
    if (maybeManifestKind(mediaType) !== undefined) {
      return (await this.#fetch(digest, descriptor)).bytes;
    }
    const cached = await this.#cached(digest, size);
    if (cached !== undefined) return cached;
    const bytes = await fetchBlob(this.#client, { repository, descriptor, signal });
    await keep(cache, bytes, digest);
    return bytes;
  }

  tags(): Promise<readonly string[]> {
    const { reference: { repository }, signal } = this.#options;
    return this.#tags ??= listTagNames(this.#client, { repository, signal });
  }

  async referrers(digest: Digest): Promise<readonly Descriptor[]> {
    const { reference: { repository }, signal } = this.#options;
    return (await listReferrers(this.#client, { repository, digest, signal })).entries;
  }

  async tagged(tag: string): Promise<Descriptor | undefined> {
    const { reference: { repository }, signal } = this.#options;
    const found = await maybeFetchManifest(this.#client, { repository, target: tag, signal });
    return found?.descriptor;
  }

  /** Known for the blobs of manifests that were read, without a request to the registry. */
  size(digest: Digest): Promise<number | undefined> {
    return Promise.resolve(this.#sizes.get(digest));
  }

  /** Resumes after a broken connection. */
  async open(digest: Digest, range?: BlobRange): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
    const size = this.#sizes.get(digest);
    if (size === undefined) {
      throw new MiseOciError(
        "not-found",
        `Cannot read blob "${digest}" of ${this.place}: no manifest that was read names it`,
      );
    }
    const { start, end = size } = range ?? { start: 0 };
    const chunks = this.#chunks({ digest, size }, start, end);
    return await Promise.resolve(ReadableStream.from(
      range === undefined ? verified(chunks, { digest, size, place: this.place }) : chunks,
    ));
  }

  async *#chunks(
    descriptor: Pick<Descriptor, "digest" | "size">,
    start: number,
    end: number,
  ): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    let at = start;
    for (let broken = 0; at < end;) {
      const before = at;
      try {
        for await (const chunk of this.#chunksFrom(descriptor, at)) {
          const part = chunk.subarray(0, end - at);
          at += part.length;
          yield part;
          if (at === end) return;
        }
        return;
      } catch (error) {
        this.#options.signal?.throwIfAborted();
        broken = at > before ? 1 : broken + 1;
        const isNetwork = error instanceof MiseOciError && error.code === "network";
        if (!isNetwork || broken >= MAX_BROKEN) throw error;
        this.#client.log(1, `${error.message}; fetching the rest`);
      }
    }
  }

  /** The bytes from an offset on, even if the registry ignores the range. */
  async *#chunksFrom(
    descriptor: Pick<Descriptor, "digest" | "size">,
    start: number,
  ): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    const { reference: { repository }, signal } = this.#options;
    const response = await getBlob(this.#client, { repository, descriptor, signal }, { start });
    let skip = response.status === 206 ? 0 : start;
    for await (const chunk of response.chunks()) {
      const part = chunk.subarray(Math.min(skip, chunk.length));
      skip -= chunk.length - part.length;
      if (part.length > 0) yield part as Uint8Array<ArrayBuffer>;
    }
  }

  /** A manifest by tag or digest, from the cache if possible. */
  async #fetch(target: string, descriptor?: Descriptor): Promise<FetchedManifest> {
    const { reference, cache, signal } = this.#options;
    const { repository } = reference;
    const cached = isDigest(target) ? await this.#cached(target, descriptor?.size) : undefined;
    const fetched = cached === undefined
      ? await fetchManifest(this.#client, {
        repository,
        target,
        ...(descriptor === undefined ? {} : { descriptor }),
        signal,
      })
      : await parseFetched(cached, {
        what: `manifest "${formatReference(reference)}"`,
        expected: descriptor,
      });
    if (cached === undefined) await keep(cache, fetched.bytes, fetched.descriptor.digest);
    const { content } = fetched;
    const below = content.kind === "index"
      ? content.index.manifests
      : [content.manifest.config, ...content.manifest.layers];
    for (const { digest, size } of [fetched.descriptor, ...below]) this.#sizes.set(digest, size);
    return fetched;
  }

  async #cached(digest: Digest, size?: number): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const { cache } = this.#options;
    const found = await cache?.size(digest);
    if (cache === undefined || found === undefined || found > MAX_MANIFEST_BYTES) return undefined;
    if (size !== undefined && found !== size) return undefined;
    return new Uint8Array(await new Response(await cache.open(digest)).arrayBuffer());
  }
}

/** Fails at the end of the stream if the bytes do not match the digest. */
async function* verified(
  chunks: AsyncIterable<Uint8Array<ArrayBuffer>>,
  { digest, size, place }: {
    readonly digest: Digest;
    readonly size: number;
    readonly place: string;
  },
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const hash = new Sha256();
  let bytes = 0;
  for await (const chunk of chunks) {
    hash.update(chunk);
    bytes += chunk.length;
    yield chunk;
  }
  const actual = `sha256:${await hash.hex()}`;
  if (actual === digest && bytes === size) return;
  throw new MiseOciError(
    "integrity",
    `Cannot read blob "${digest}" of ${place}: its ${bytes} bytes have digest "${actual}"`,
    {
      hint: "The registry, or something between here and it, damages what it sends; do not use it",
    },
  );
}

/** Puts verified bytes into the cache. */
async function keep(cache: BlobSink | undefined, bytes: Uint8Array, digest: Digest): Promise<void> {
  if (cache === undefined || await cache.has(digest, bytes.length)) return;
  const writer = await cache.create();
  try {
    await writer.write(bytes);
    await writer.commit({ digest, size: bytes.length });
  } finally {
    await writer.abort();
  }
}
