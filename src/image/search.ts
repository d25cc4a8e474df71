/**
 * Searches the index of a store for images: by name, through nested indexes, to manifest and config.
 * @module
 */
import { MiseOciError } from "../errors.ts";
import {
  Annotation,
  type Descriptor,
  type Digest,
  essence,
  formatPlatform,
  type Manifest,
  maybeFullName,
  maybeManifestKind,
  MediaType,
  namesPlatform,
  parseImageConfig,
  type Platform,
  platformScore,
} from "../oci/mod.ts";
import {
  type ImageStore,
  readDocument,
  type ReadManifest,
  readManifest,
  tagOf,
} from "../store/image_store.ts";
import type { ResolvedImage, ResolveOptions } from "./types.ts";

const CONFIGS: ReadonlySet<string> = new Set([MediaType.config, MediaType.dockerConfig]);
/** Every compression, encrypted and non-distributable ones included. */
const LAYER = /^application\/vnd\.(?:oci\.image\.layer|docker\.image\.rootfs)\./;

/** Whether an entry of an index may be an image or lead to one, judging by the entry alone. */
export function mayBeImage(entry: Descriptor): boolean {
  const { mediaType, artifactType, annotations, platform } = entry;
  return maybeManifestKind(mediaType) !== undefined &&
    (artifactType === undefined || artifactType === "" || CONFIGS.has(essence(artifactType))) &&
    annotations?.["vnd.docker.reference.type"] === undefined &&
    platform?.os !== "unknown" && platform?.architecture !== "unknown";
}

/** Why a manifest is not an image; `undefined` if it is one. */
export function whyNoImage({ config, layers }: Manifest): string | undefined {
  const { mediaType } = config;
  if (!CONFIGS.has(essence(mediaType))) {
    return `its config is ${
      JSON.stringify(mediaType.slice(0, 100))
    }, so it is not a container image`;
  }
  const [first] = layers;
  if (first === undefined || layers.some((layer) => LAYER.test(essence(layer.mediaType)))) {
    return undefined;
  }
  return `its layers are ${
    JSON.stringify(first.mediaType.slice(0, 100))
  }, so it is not a container image`;
}

/** Maximum depth of nested indexes (faults, R16). */
const MAX_DEPTH = 4;
/** Maximum number of manifests that are read in one search. */
const MAX_READ = 2000;
/**
 * Maximum number of entries that are read only to find their platform: an index can list far more than are
 * useful.
 */
export const MAX_TRIED = 16;
/** Maximum number of entries that a search examines. */
const MAX_ENTRIES = 50_000;

type Path = readonly [Descriptor, ...Descriptor[]];

/** A manifest that may be an image, with the indexes that lead to it. */
export interface Leaf {
  readonly path: Path;
  readonly descriptor: Descriptor;
  readonly tag: string | undefined;
}

/** One manifest may be listed for several platforms. */
function keyOf({ digest, platform }: Descriptor): string {
  return platform === undefined ? digest : `${digest} ${formatPlatform(platform)}`;
}

/** Finds the images of a place; reads each document at most once. */
export class ImageSearch {
  readonly #store: ImageStore;
  readonly #options: ResolveOptions;
  readonly #manifests = new Map<Digest, Promise<ReadManifest>>();
  readonly #images = new Map<string, Promise<ResolvedImage | undefined>>();
  #read = 0;

  constructor(store: ImageStore, options: ResolveOptions) {
    this.#store = store;
    this.#options = options;
  }

  /** The entries that the selector names, without those that belong to an index among them. */
  async roots(): Promise<readonly Descriptor[]> {
    const { manifests } = await this.#store.index();
    const { tag, digest } = this.#options;
    const tagged = tag === undefined ? manifests : this.#ofTag(manifests, tag);
    const named = digest === undefined ? tagged : await this.#ofDigest(tagged, digest);
    const entries = [
      ...new Map([...named].reverse().map((entry) => [entry.digest, entry])).values(),
    ].reverse().filter(mayBeImage);
    if (entries.length < 2) return entries;
    // oras lists the children of an index next to it.
    const below = new Set<Digest>();
    for (const entry of entries) {
      if (maybeManifestKind(entry.mediaType) !== "index") continue;
      for (const { path } of await this.leaves([entry])) {
        path.slice(1).forEach((child) => below.add(child.digest));
      }
    }
    const roots = entries.filter((entry) => tagOf(entry) !== undefined || !below.has(entry.digest));
    if (roots.length < 2) return roots;
    const images = await Promise.all(roots.map(async (root) => await this.#leadsToImage(root)));
    return roots.filter((_, i) => images[i]);
  }

  #ofTag(entries: readonly Descriptor[], tag: string): readonly Descriptor[] {
    const full = maybeFullName(tag);
    const tests: readonly ((entry: Descriptor) => boolean)[] = [
      (entry) => entry.annotations?.[Annotation.refName] === tag,
      ({ annotations }) => {
        const name = annotations?.[Annotation.containerdName];
        return name !== undefined && (name === tag || name === full);
      },
      // Some writers put the whole reference where the specification has the tag.
      (entry) => tagOf(entry)?.endsWith(`:${tag}`) === true,
    ];
    for (const test of tests) {
      const found = entries.filter(test);
      if (found.length > 0) return found;
    }
    const tags = entries.flatMap((entry) => tagOf(entry) ?? []);
    const holds = tags.length === 0 ? "no tags" : tags.map((name) => `"${name}"`).join(", ");
    throw new MiseOciError(
      "not-found",
      `Cannot find tag "${tag}" in ${this.#store.place}: it holds ${holds}`,
    );
  }

  /** An entry by its digest, or a manifest below one. */
  async #ofDigest(
    entries: readonly Descriptor[],
    digest: Digest,
  ): Promise<readonly Descriptor[]> {
    const exact = entries.filter((entry) => entry.digest === digest);
    if (exact.length > 0) return exact;
    const paths = (await this.leaves(entries)).map(({ path }) => path);
    const found = paths.flat().find((entry) => entry.digest === digest);
    if (found !== undefined) return [found];
    throw new MiseOciError(
      "not-found",
      `Cannot find image "${digest}" in ${this.#store.place}: it has no such manifest`,
    );
  }

  async #leadsToImage(root: Descriptor): Promise<boolean> {
    if (maybeManifestKind(root.mediaType) === "index") return true;
    const { content } = await this.#manifest(root);
    return content.kind === "manifest" && whyNoImage(content.manifest) === undefined;
  }

  /** The manifests that may be images, in order; indexes are read, manifests are not. */
  async leaves(roots: readonly Descriptor[]): Promise<readonly Leaf[]> {
    const found: Leaf[] = [];
    const visited = new Set<string>();
    const visit = async (path: Path, tag: string | undefined): Promise<void> => {
      const entry = path.at(-1) ?? path[0];
      if (!mayBeImage(entry) || visited.has(keyOf(entry))) return;
      visited.add(keyOf(entry));
      if (visited.size > MAX_ENTRIES) {
        throw this.#fail(`it names more than ${MAX_ENTRIES} manifests`);
      }
      if (maybeManifestKind(entry.mediaType) !== "index") {
        found.push({ path, descriptor: entry, tag });
        return;
      }
      if (path.length > MAX_DEPTH) {
        throw this.#fail(`indexes are nested more than ${MAX_DEPTH} deep`);
      }
      const { content } = await this.#manifest(entry);
      if (content.kind !== "index") return;
      for (const child of content.index.manifests) await visit([...path, child], tag);
    };
    for (const root of roots) await visit([root], tagOf(root));
    return found;
  }

  /** The platform of a manifest; `undefined` if it is not an image. */
  async platform(leaf: Leaf): Promise<Platform | undefined> {
    return leaf.descriptor.platform ?? (await this.image(leaf))?.platform;
  }

  /**
   * The image of a manifest; `undefined` if it is not an image and below an index. @throws if it was named
   * directly.
   */
  image(leaf: Leaf): Promise<ResolvedImage | undefined> {
    const key = keyOf(leaf.descriptor);
    const known = this.#images.get(key) ?? this.#readImage(leaf);
    this.#images.set(key, known);
    return known;
  }

  async #readImage({ path, descriptor, tag }: Leaf): Promise<ResolvedImage | undefined> {
    const store = this.#store;
    const what = `manifest "${descriptor.digest}" of ${store.place}`;
    const { bytes: manifestBytes, content } = await this.#manifest(descriptor);
    if (content.kind !== "manifest") {
      throw new MiseOciError("invalid", `Cannot parse ${what}: it is an index`);
    }
    const { manifest } = content;
    const why = whyNoImage(manifest);
    if (why !== undefined) {
      if (path.length > 1) return undefined;
      throw this.#fail(why);
    }
    const configBytes = await readDocument(store, manifest.config);
    const stated = descriptor.platform;
    const config = this.#config(configBytes, stated);
    if (config.diffIds.length !== manifest.layers.length) {
      throw new MiseOciError(
        "invalid",
        `Cannot use ${what}: it has ${manifest.layers.length} layers and ${config.diffIds.length} diff IDs`,
      );
    }
    const { os, architecture, variant } = config;
    const own: Platform = { os, architecture, ...(variant === undefined ? {} : { variant }) };
    if (stated !== undefined && platformScore(stated, own) === 0) {
      this.#options.warn?.(
        `The image in ${store.place} is for ${formatPlatform(stated)} by its index and for ${
          formatPlatform(own)
        } by its config`,
      );
    }
    return {
      path,
      descriptor,
      manifest,
      manifestBytes,
      config,
      configBytes,
      platform: stated ?? own,
      source: store,
      ...(tag === undefined ? {} : { tag }),
    };
  }

  #config(
    bytes: Uint8Array,
    stated: Platform | undefined,
  ): ReturnType<typeof parseImageConfig> {
    const what = `config of ${this.#store.place}`;
    const { platform, host, warn } = this.#options;
    const assumed = stated ?? platform ?? host;
    if (assumed === undefined || namesPlatform(bytes, what)) return parseImageConfig(bytes, what);
    warn?.(
      `The config of ${this.#store.place} names no platform: ${formatPlatform(assumed)} is assumed`,
    );
    return parseImageConfig(bytes, what, { platform: assumed });
  }

  /** The image of the leaves that runs best on a platform; the first of equally good ones. */
  async best(leaves: readonly Leaf[], wanted: Platform): Promise<ResolvedImage | undefined> {
    // Entries without a platform come last: their config must be read.
    const ranked = leaves.map((leaf) => ({
      leaf,
      score: leaf.descriptor.platform === undefined
        ? 0.5
        : platformScore(wanted, leaf.descriptor.platform),
    })).filter(({ score }) => score > 0).sort((a, b) => b.score - a.score);
    for (const [i, { leaf }] of ranked.entries()) {
      if (i === MAX_TRIED) {
        throw this.#fail(`none of the first ${MAX_TRIED} entries that may fit is for the platform`);
      }
      const image = await this.image(leaf);
      if (image === undefined) continue;
      if (leaf.descriptor.platform !== undefined || platformScore(wanted, image.platform) > 0) {
        return image;
      }
    }
    return undefined;
  }

  #manifest(descriptor: Descriptor): Promise<ReadManifest> {
    const known = this.#manifests.get(descriptor.digest);
    if (known !== undefined) return known;
    if (++this.#read > MAX_READ) {
      throw this.#fail(`it names more than ${MAX_READ} manifests`);
    }
    const read = readManifest(this.#store, descriptor);
    this.#manifests.set(descriptor.digest, read);
    return read;
  }

  #fail(why: string): MiseOciError {
    return new MiseOciError("unsupported", `Cannot use ${this.#store.place}: ${why}`, {
      hint: "Choose another image, or another --platform",
    });
  }
}
