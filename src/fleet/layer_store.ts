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
import { DEFAULT_PATH } from "../plan/mod.ts";
import {
  type BlobSource,
  fetchBlob,
  maybeFetchManifest,
  MemoryBlobs,
  type RegistryClient,
  uploadImage,
} from "../registry/mod.ts";
import type { ReusableLayer } from "../image/reuse.ts";
import { headManifest } from "../registry/get_manifest.ts";
import type { BaseOrigin } from "../registry/push.ts";
import { hasBlob } from "../registry/get_blob.ts";
import { type LayerReferences, storeKey, type StoreKeyInput, storeTag } from "./store_key.ts";

/** A tool's layer that is looked for, or kept. */
export interface StoreWant {
  /** What decides its bytes. */
  readonly input: StoreKeyInput;
  /** The tool's name and version, for the tag. */
  readonly tool: { readonly short: string; readonly version: string };
  /** Image directories of the project's tools. */
  readonly directories: readonly string[];
}

/** Which repository. */
export interface StorePlace {
  /** A client for it. */
  readonly client: RegistryClient;
  /** Its reference, without a tag. */
  readonly reference: Reference;
  /**
   * Whether the manifest that a tag names may be used, asked before anything that it names is fetched.
   * Default: every one may.
   */
  readonly trusts?: (tag: string, digest: Digest) => Promise<boolean>;
  /** Signs an entry that was written. */
  readonly sign?: (entry: Descriptor) => Promise<void>;
  /** Ends it. */
  readonly signal?: AbortSignal | undefined;
}

/** The tool part of an install directory: `/mise/installs/node` of `/mise/installs/node/24`. */
function toolOf(directory: string): string {
  return directory.slice(0, directory.lastIndexOf("/"));
}

/**
 * What a layer that names some tools would name in this project: the same tools in its versions;
 * `undefined` if it lacks one.
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

/** An entry as it was read. */
interface Entry extends ReusableLayer {
  readonly key: string;
  readonly references: LayerReferences;
}

/**
 * The manifest that a tag of the store names; `undefined` if there is none, or it may not be used.
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
  const { digest, size } = layer;
  // A repository that lost the blob, or has less of it than it says, has no entry.
  if (!await hasBlob(client, { repository, digest, size, signal })) return undefined;
  return { descriptor: layer, diffId, from, env: config.config?.Env ?? [], key, references };
}

/**
 * Finds the layer of a tool. What the entry refers to decides whether it is the one: the key is computed of
 * that and compared.
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

/** A layer that goes into the store. */
export interface StoreLayer {
  /** Its blob, with the annotations of a tool's layer. */
  readonly descriptor: Descriptor;
  /** Its diff ID. */
  readonly diffId: DiffId;
  /** The tools that it names. */
  readonly references: LayerReferences;
  /** `NAME=VALUE` of the tool alone. */
  readonly env: readonly string[];
  /** Its directories on PATH. */
  readonly path: readonly string[];
  /** RFC 3339 time. */
  readonly created: string;
  /** `created_by` of its history entry. */
  readonly createdBy: string;
  /** Where its bytes are if the store lacks them. */
  readonly source: BlobSource;
  /** A repository of the store's registry that has them. */
  readonly mountFrom?: string | undefined;
}

/** Bytes in memory before those of a store. */
function sourceOf(memory: MemoryBlobs, source: BlobSource): BlobSource {
  return {
    size: async (digest) => await memory.size(digest) ?? await source.size(digest),
    open: async (digest, range) =>
      await memory.size(digest) === undefined
        ? await source.open(digest, range)
        : await memory.open(digest, range),
  };
}

/** The documents of an entry. */
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

/** An image that goes into the store. */
export interface EntryDocuments {
  /** Its manifest. */
  readonly manifest: EncodedDocument;
  /** Its config, which `source` has. */
  readonly config: EncodedDocument;
  /** Its one layer. */
  readonly layer: Descriptor;
  /** Where the bytes of both are. */
  readonly source: BlobSource;
  /** Where its layer can be mounted from. */
  readonly origins?: readonly BaseOrigin[];
}

/** Whether a tag names an entry that may be used. @throws {MiseOciError} `auth`, `network`, `registry`. */
export async function hasEntry(
  { client, reference: { repository }, trusts, signal }: StorePlace,
  tag: string,
): Promise<boolean> {
  const actions = ["pull", "push"] as const;
  const there = await headManifest(client, { repository, target: tag, actions, signal });
  return there !== undefined && (trusts === undefined || await trusts(tag, there));
}

/**
 * Writes an entry under a tag, in place of one that may not be used, and signs it if entries are signed.
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
 * Keeps a layer, unless the store has it: an image of the one tool, under the key of what it refers to and,
 * if that is free, under the key by which it is looked up.
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
    if (await hasEntry(place, tag)) continue;
    await writeEntry(place, tag, entry);
    written = true;
  }
  return written;
}

/** Whether an error is the store's own trouble, which a build goes on without. */
export function isStoreTrouble(error: unknown, signal: AbortSignal): error is MiseOciError {
  return error instanceof MiseOciError && error.code !== "interrupted" && !signal.aborted;
}
