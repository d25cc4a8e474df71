/**
 * A layer store: a repository with one ordinary image for each tool's layer (spec section 14).
 * @module
 */
import { MiseOciError } from "../errors.ts";
import {
  Annotation,
  type Descriptor,
  type DiffId,
  type Digest,
  type EncodedDocument,
  encodedDocument,
  encodeImageConfig,
  encodeManifest,
  formatReference,
  isForeignLayer,
  type Manifest,
  MediaType,
  parseImageConfig,
  type Platform,
  type Reference,
  samePlatform,
} from "../oci/mod.ts";
import { DEFAULT_PATH } from "../oci/image_path.ts";
import {
  type BlobSource,
  fetchBlob,
  maybeFetchManifest,
  MemoryBlobs,
  type RegistryClient,
  uploadImage,
} from "../registry/mod.ts";
import type { ReusableLayer } from "../image/reuse.ts";
import type { BaseOrigin } from "../registry/push.ts";
import { hasBlob } from "../registry/get_blob.ts";
import { type LayerReferences, storeKey, type StoreKeyInput, storeTag } from "./store_key.ts";

/** A tool's layer to find or add. */
export interface StoreWant {
  /** What determines its bytes. */
  readonly input: StoreKeyInput;
  /** The tool's name and version, for the tag. */
  readonly tool: { readonly short: string; readonly version: string };
  /** Image directories of all tools of the project. */
  readonly directories: readonly string[];
}

/** A layer store's repository. */
export interface StorePlace {
  /** A client for it. */
  readonly client: RegistryClient;
  /** Its reference, without a tag. */
  readonly reference: Reference;
  /**
   * Whether the manifest of a tag may be used, called before anything it refers to is fetched. By default,
   * all may.
   */
  readonly trusts?: (tag: string, digest: Digest) => Promise<boolean>;
  /** Signs an entry after it was written. */
  readonly sign?: (entry: Descriptor) => Promise<void>;
  /** Cancels the operation. */
  readonly signal?: AbortSignal | undefined;
}

/** The directory of a tool's versions: `/mise/installs/node` for `/mise/installs/node/24`. */
function toolOf(directory: string): string {
  return directory.slice(0, directory.lastIndexOf("/"));
}

/**
 * Translates references to the versions of the same tools in this project; `undefined` if a tool is
 * missing.
 */
function maybeTranslate(
  references: LayerReferences,
  directories: readonly string[],
): LayerReferences | undefined {
  const translated = references.map((one) => {
    if (directories.includes(one)) return one;
    const same = directories.filter((directory) => toolOf(directory) === toolOf(one));
    return same.length === 1 ? same[0] : undefined;
  });
  return translated.every((one) => one !== undefined) ? [...translated].sort() : undefined;
}

function parseReferences(text: string | undefined): LayerReferences | undefined {
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    const isList = Array.isArray(value) && value.every((one) => typeof one === "string");
    return isList ? value : undefined;
  } catch {
    return undefined;
  }
}

/** An entry of the store. */
interface Entry extends ReusableLayer {
  readonly key: string;
  readonly references: LayerReferences;
}

/**
 * The manifest of a tag in the store; `undefined` if it does not exist or may not be used.
 *
 * @throws {MiseOciError} `auth`, `network`, `registry`, `invalid`.
 */
export async function maybeEntryManifest(
  { client, reference: { repository }, trusts, signal }: StorePlace,
  tag: string,
): Promise<Manifest | undefined> {
  const found = await maybeFetchManifest(client, { repository, target: tag, signal });
  if (found?.content.kind !== "manifest") return undefined;
  const isTrusted = trusts === undefined || await trusts(tag, found.descriptor.digest);
  return isTrusted ? found.content.manifest : undefined;
}

/** Whether a blob of an entry is complete in the repository. */
async function isThere(
  { client, reference: { repository }, signal }: StorePlace,
  { digest, size }: Descriptor,
): Promise<boolean> {
  return await hasBlob(client, { repository, digest, size, actions: ["pull"], signal });
}

async function maybeEntry(
  place: StorePlace,
  tag: string,
  platform: Platform,
): Promise<Entry | undefined> {
  const { client, reference: { registry, repository }, signal } = place;
  const manifest = await maybeEntryManifest(place, tag);
  if (manifest === undefined) return undefined;
  const [layer, ...others] = manifest.layers;
  const key = manifest.annotations?.[Annotation.storeKey];
  const references = parseReferences(manifest.annotations?.[Annotation.storeReferences]);
  if (layer === undefined || others.length > 0 || key === undefined || references === undefined) {
    return undefined;
  }
  if (isForeignLayer(layer.mediaType)) return undefined;
  const bytes = await fetchBlob(client, { repository, descriptor: manifest.config, signal });
  const from = formatReference({ registry, repository, tag });
  const config = parseImageConfig(bytes, `config of "${from}"`);
  const { os, architecture, variant } = config;
  const own = { os, architecture, ...(variant === undefined ? {} : { variant }) };
  const [diffId, ...more] = config.diffIds;
  if (diffId === undefined || more.length > 0 || !samePlatform(own, platform)) return undefined;
  if (!await isThere(place, layer)) return undefined;
  return { descriptor: layer, diffId, from, env: config.config?.Env ?? [], key, references };
}

/**
 * Finds the layer of a tool. It matches only if the key computed with the entry's references is the entry's
 * key.
 *
 * @throws {MiseOciError} `auth`, `network`, `registry`, `invalid`: the store cannot be used.
 */
export async function maybeStoredLayer(
  place: StorePlace,
  { input, tool, directories }: StoreWant,
): Promise<ReusableLayer | undefined> {
  const { platform } = input;
  const first = await storeKey(input);
  const entry = await maybeEntry(place, storeTag(tool, platform, first), platform);
  if (entry === undefined) return undefined;
  const references = maybeTranslate(entry.references, directories);
  if (references === undefined) return undefined;
  const key = await storeKey(input, references);
  if (entry.key === key) return entry;
  const other = await maybeEntry(place, storeTag(tool, platform, key), platform);
  return other?.key === key ? other : undefined;
}

/** A layer to add to the store. */
export interface StoreLayer {
  /** Its blob, with the annotations of a tool's layer. */
  readonly descriptor: Descriptor;
  /** Its diff ID. */
  readonly diffId: DiffId;
  /** The other tools that it refers to. */
  readonly references: LayerReferences;
  /** The tool's own variables, `NAME=VALUE`. */
  readonly env: readonly string[];
  /** Its directories on PATH. */
  readonly path: readonly string[];
  /** RFC 3339 time. */
  readonly created: string;
  /** `created_by` of its history entry. */
  readonly createdBy: string;
  /** Source of its bytes, if the store lacks them. */
  readonly source: BlobSource;
  /** A repository of the same registry that it can be mounted from. */
  readonly mountFrom?: string | undefined;
}

/** Reads blobs from memory, or else from a store. */
function sourceOf(memory: MemoryBlobs, source: BlobSource): BlobSource {
  return {
    size: async (digest) => await memory.size(digest) ?? await source.size(digest),
    open: async (digest, range) =>
      await memory.size(digest) === undefined
        ? await source.open(digest, range)
        : await memory.open(digest, range),
  };
}

/** The config and manifest of an entry. */
function entryDocuments(
  { input: { platform }, tool }: StoreWant,
  layer: StoreLayer,
  key: string,
): { readonly config: EncodedDocument; readonly manifest: EncodedDocument } {
  const { descriptor, diffId, references, env, path, created, createdBy } = layer;
  const config = encodedDocument(
    MediaType.config,
    encodeImageConfig({
      created,
      architecture: platform.architecture,
      os: platform.os,
      ...(platform.variant === undefined ? {} : { variant: platform.variant }),
      config: { Env: [...env, `PATH=${[...path, DEFAULT_PATH].join(":")}`] },
      diffIds: [diffId],
      history: [{ created, created_by: createdBy }],
    }),
  );
  const manifest = encodedDocument(
    MediaType.manifest,
    encodeManifest({
      config: config.descriptor,
      layers: [descriptor],
      annotations: {
        [Annotation.storeKey]: key,
        [Annotation.storeReferences]: JSON.stringify(references),
        [Annotation.toolShort]: tool.short,
        [Annotation.toolVersion]: tool.version,
      },
    }),
  );
  return { config, manifest };
}

/** An image to write to the store. */
export interface EntryDocuments {
  /** Its manifest. */
  readonly manifest: EncodedDocument;
  /** Its config, which `source` contains too. */
  readonly config: EncodedDocument;
  /** Its one layer. */
  readonly layer: Descriptor;
  /** Source of the config and the layer. */
  readonly source: BlobSource;
  /** Repositories that its layer can be mounted from. */
  readonly origins?: readonly BaseOrigin[];
}

/** Whether an error means that one entry is damaged, so that others can still be used. */
export function isDamage(error: unknown): error is MiseOciError {
  return error instanceof MiseOciError &&
    ["invalid", "integrity", "not-found"].includes(error.code);
}

/** Reads a part of an entry; `undefined` if the entry is damaged. */
export async function unlessDamaged<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (isDamage(error)) return undefined;
    throw error;
  }
}

/**
 * Whether a tag names a complete entry that may be used. Any other is replaced.
 *
 * @throws {MiseOciError} `auth`, `network`, `registry`.
 */
export async function hasEntry(place: StorePlace, tag: string): Promise<boolean> {
  const manifest = await unlessDamaged(() => maybeEntryManifest(place, tag));
  if (manifest === undefined) return false;
  const blobs = [manifest.config, ...manifest.layers];
  const there = await Promise.all(blobs.map((blob) => isThere(place, blob)));
  return there.every((one) => one);
}

/**
 * Writes an entry and signs it if configured. An unusable entry with the same tag is replaced.
 *
 * @throws {MiseOciError} `auth`, `network`, `registry`.
 */
export async function writeEntry(
  { client, reference, sign, signal }: StorePlace,
  tag: string,
  { manifest, config, layer, source, origins }: EntryDocuments,
): Promise<void> {
  await uploadImage(client, { manifest, config: config.descriptor, layers: [layer], source }, {
    reference: { ...reference, tag },
    origins,
    signal,
  });
  await sign?.(manifest.descriptor);
}

/**
 * Adds a layer to the store, unless it exists: as an image with only this tool, tagged by the key with its
 * references and, if that tag is free, by the key for lookups.
 *
 * @returns whether it was written.
 * @throws {MiseOciError} `auth`, `network`, `registry`.
 */
export async function keepLayer(
  place: StorePlace,
  want: StoreWant,
  layer: StoreLayer,
): Promise<boolean> {
  const { reference: { registry } } = place;
  const { input, tool } = want;
  const { descriptor, references, source, mountFrom } = layer;
  const key = await storeKey(input, references);
  const { config, manifest } = entryDocuments(want, layer, key);
  const memory = new MemoryBlobs();
  memory.add(config.bytes);
  const layers = new Set([descriptor.digest]);
  const entry = {
    manifest,
    config,
    layer: descriptor,
    source: sourceOf(memory, source),
    origins: mountFrom === undefined ? [] : [{ registry, repository: mountFrom, layers }],
  };
  let written = false;
  for (const one of new Set([key, await storeKey(input)])) {
    const tag = storeTag(tool, input.platform, one);
    // The entry must be usable by readers, so a damaged one is replaced.
    if (await unlessDamaged(() => maybeEntry(place, tag, input.platform)) !== undefined) continue;
    await writeEntry(place, tag, entry);
    written = true;
  }
  return written;
}

/** Whether an error only concerns the store, so that a build can continue without it. */
export function isStoreTrouble(error: unknown, signal: AbortSignal): error is MiseOciError {
  return error instanceof MiseOciError && error.code !== "interrupted" && !signal.aborted;
}
