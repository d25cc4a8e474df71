/**
 * Which blobs belong to an image, and whether they are whole.
 * @module
 */
import { type Descriptor, type Digest, isForeignLayer, maybeManifestKind } from "../oci/mod.ts";
import { checkSize, type ImageStore, readManifest } from "./image_store.ts";

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

/** Options of {@linkcode verifyStore}. */
export interface VerifyOptions {
  /** What to check with everything below it. Default: all entries of the index. */
  readonly entries?: readonly Descriptor[];
  /** Looks at sizes only, not at the bytes of layers; manifests and configs are always read. */
  readonly sizesOnly?: boolean;
  /** Remembers which blobs were sound in which state; those are not read again while they are in it. */
  readonly memory?: VerifyMemory;
  /** Ends the check. */
  readonly signal?: AbortSignal;
}

/** Results for blobs that were checked before. */
export interface VerifyMemory {
  /** The state in which a blob was sound. */
  get(blob: string): Promise<string | undefined>;
  /** Notes it. */
  put(blob: string, state: string): Promise<void>;
}

/** What was checked. */
export interface VerifyResult {
  /** Number of different blobs. */
  readonly blobs: number;
  /** Their bytes. */
  readonly bytes: number;
}

async function drain(stream: ReadableStream<Uint8Array>, signal?: AbortSignal): Promise<void> {
  for await (const _chunk of stream) signal?.throwIfAborted();
}

/**
 * Checks that everything an index names exists with the right size and, unless only sizes are requested, with
 * the right bytes. Layers that must not be distributed may be absent.
 *
 * @throws {MiseOciError} `not-found` or `integrity` naming the first blob that is wrong.
 */
export async function verifyStore(
  store: ImageStore,
  options: VerifyOptions = {},
): Promise<VerifyResult> {
  const { sizesOnly = false, memory, signal } = options;
  const seen = new Map<Digest, number>();
  const checkBlob = async (blob: Descriptor): Promise<void> => {
    signal?.throwIfAborted();
    if (isForeignLayer(blob.mediaType) && await store.size(blob.digest) === undefined) return;
    await checkSize(store, blob);
    if (seen.has(blob.digest)) return;
    seen.set(blob.digest, blob.size);
    if (sizesOnly) return;
    const name = `${blob.digest} of ${store.place}`;
    const state = memory === undefined ? undefined : await store.state?.(blob.digest);
    if (state !== undefined && await memory?.get(name) === state) return;
    await drain(await store.open(blob.digest), signal);
    if (state !== undefined) await memory?.put(name, state);
  };
  const checkEntry = async (entry: Descriptor): Promise<void> => {
    if (maybeManifestKind(entry.mediaType) === undefined) return await checkBlob(entry);
    await checkSize(store, entry);
    if (seen.has(entry.digest)) return;
    seen.set(entry.digest, entry.size);
    const { content: parsed } = await readManifest(store, entry);
    if (parsed.kind === "index") {
      for (const child of parsed.index.manifests) await checkEntry(child);
    } else {
      for (const blob of [parsed.manifest.config, ...parsed.manifest.layers]) await checkBlob(blob);
    }
  };
  for (const entry of options.entries ?? (await store.index()).manifests) await checkEntry(entry);
  return { blobs: seen.size, bytes: [...seen.values()].reduce((sum, size) => sum + size, 0) };
}
