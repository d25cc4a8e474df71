/**
 * `bundle`: images in an archive, without the layers that the other side has.
 * @module
 */
import { RegistryClients } from "../build/registry_clients.ts";
import type { WorkflowContext } from "../context.ts";
import { MiseOciError } from "../errors.ts";
import { type BundledImages, joinStores, layersBelow, namedEntries } from "../fleet/bundle.ts";
import {
  type Descriptor,
  type Digest,
  formatImageSource,
  formatReference,
  type ImageSource,
  maybeManifestKind,
  parseReference,
  type Reference,
  referenceTarget,
} from "../oci/mod.ts";
import { type FetchedManifest, fetchManifest, readBlob, RemoteBlobs } from "../registry/mod.ts";
import { type ImageStore, openArchive, openLayout, tagOf, writeOciArchive } from "../store/mod.ts";
import type { ImageTarget } from "./inspect_types.ts";

/** The flags of `bundle`, parsed. */
export interface BundleRequest {
  /** Absolute working directory, for mise's settings. */
  readonly directory: string;
  /** mise executable (`--mise`). */
  readonly misePath?: string;
  /** What goes into the archive. */
  readonly images: readonly ImageTarget[];
  /** What the other side has. */
  readonly without: readonly ImageTarget[];
  /** Absolute path of the archive. */
  readonly output: string;
}

/** What a bundle holds. */
export interface BundleResult {
  /** The archive. */
  readonly file: string;
  /** Its images by name. */
  readonly images: readonly { readonly name: string; readonly digest: Digest }[];
  /** Layers in it, and their bytes. */
  readonly layers: { readonly count: number; readonly bytes: number };
  /** Layers that were left out, and their bytes. */
  readonly left: { readonly count: number; readonly bytes: number };
}

/** A reference of a registry as a place of images: manifests and blobs are fetched as they are read. */
class Repository implements ImageStore {
  readonly place: string;
  readonly #known = new Map<Digest, Descriptor>();
  readonly #documents = new Map<Digest, Uint8Array<ArrayBuffer>>();

  constructor(
    readonly clients: RegistryClients,
    readonly reference: Reference,
    readonly signal: AbortSignal,
  ) {
    this.place = `image "${formatReference(reference)}"`;
  }

  async #fetch(target: string, descriptor?: Descriptor): Promise<FetchedManifest> {
    const client = await this.clients.of(this.reference);
    const { repository } = this.reference;
    const more = descriptor === undefined ? {} : { descriptor };
    const found = await fetchManifest(client, { repository, target, signal: this.signal, ...more });
    const { content } = found;
    this.#documents.set(found.descriptor.digest, found.bytes);
    const below = content.kind === "index"
      ? content.index.manifests
      : [content.manifest.config, ...content.manifest.layers];
    for (const one of [found.descriptor, ...below]) this.#known.set(one.digest, one);
    return found;
  }

  async index(): Promise<{ readonly manifests: readonly Descriptor[] }> {
    return { manifests: [(await this.#fetch(referenceTarget(this.reference))).descriptor] };
  }

  size(digest: Digest): Promise<number | undefined> {
    return Promise.resolve(this.#known.get(digest)?.size);
  }

  async open(
    digest: Digest,
    range?: { readonly start: number; readonly end?: number },
  ): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
    const blob = this.#known.get(digest);
    if (blob === undefined) {
      throw new MiseOciError("not-found", `Cannot find blob "${digest}" of ${this.place}`);
    }
    const isManifest = maybeManifestKind(blob.mediaType) !== undefined;
    if (isManifest && !this.#documents.has(digest)) await this.#fetch(digest, blob);
    const bytes = this.#documents.get(digest);
    if (bytes !== undefined) return ReadableStream.from([bytes.slice(range?.start, range?.end)]);
    const client = await this.clients.of(this.reference);
    const { repository } = this.reference;
    if (range === undefined && blob.size < 1 << 16) {
      return ReadableStream.from([await readBlob(client, { repository, descriptor: blob })]);
    }
    const blobs = new RemoteBlobs(client, { repository, blobs: [blob], signal: this.signal });
    return await blobs.open(digest, range);
  }
}

async function sourceOf(target: ImageTarget): Promise<ImageSource> {
  if (target.kind !== "guess") return target;
  const { text, path } = target;
  const info = await Deno.stat(path).catch(() => undefined);
  if (info?.isDirectory === true) return { kind: "layout", path };
  if (info?.isFile === true) return { kind: "archive", path };
  return { kind: "registry", reference: parseReference(text) };
}

interface Opening {
  readonly clients: RegistryClients;
  readonly stack: AsyncDisposableStack;
  readonly context: WorkflowContext;
}

async function openPlace(
  target: ImageTarget,
  { clients, stack, context: { signal } }: Opening,
): Promise<BundledImages> {
  const source = await sourceOf(target);
  switch (source.kind) {
    case "scratch":
      throw new MiseOciError("usage", 'Cannot bundle "scratch": it is not an image');
    case "registry": {
      const store = new Repository(clients, source.reference, signal);
      const name = formatReference({ ...source.reference, tag: source.reference.tag ?? "latest" });
      return { store, entries: await namedEntries(store, name) };
    }
    case "layout":
    case "archive": {
      const store = source.kind === "layout"
        ? await openLayout(source.path)
        : stack.use(await openArchive(source.path, { signal }));
      const all = await namedEntries(store, undefined);
      const entries = source.tag === undefined
        ? all
        : all.filter((entry) => tagOf(entry) === source.tag);
      if (entries.length > 0) return { store, entries };
      throw new MiseOciError("not-found", `Cannot find ${formatImageSource(source)}`);
    }
  }
}

async function layersOf(
  images: readonly BundledImages[],
): Promise<ReadonlyMap<Digest, Descriptor>> {
  const all = new Map<Digest, Descriptor>();
  for (const { store, entries } of images) {
    for (const [digest, layer] of await layersBelow(store, entries)) all.set(digest, layer);
  }
  return all;
}

function total(layers: readonly Descriptor[]): BundleResult["layers"] {
  return { count: layers.length, bytes: layers.reduce((sum, { size }) => sum + size, 0) };
}

/**
 * Writes images into an archive of a layout, manifests and configs whole, without the layers of images that
 * the other side has. `push` completes it from the destination's registry.
 *
 * @throws {MiseOciError} `not-found`, `auth`, `network`, `integrity` naming the image; the file is not made
 * then.
 */
export async function bundleImages(
  request: BundleRequest,
  context: WorkflowContext,
): Promise<BundleResult> {
  await using stack = new AsyncDisposableStack();
  using clients = new RegistryClients(request, context);
  const opening = { clients, stack, context };
  const images: BundledImages[] = [];
  for (const target of request.images) images.push(await openPlace(target, opening));
  const without: BundledImages[] = [];
  for (const target of request.without) without.push(await openPlace(target, opening));
  const layers = await layersOf(images);
  const there = await layersOf(without);
  const left = [...layers.values()].filter(({ digest }) => there.has(digest));
  const carried = [...layers.values()].filter(({ digest }) => !there.has(digest));
  const store = joinStores(images);
  const { manifests } = await store.index();
  await writeOciArchive(store, request.output, { without: new Set(there.keys()) });
  return {
    file: request.output,
    images: manifests.map((entry) => ({ name: tagOf(entry) ?? "", digest: entry.digest })),
    layers: total(carried),
    left: total(left),
  };
}
