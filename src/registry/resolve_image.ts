/**
 * From a reference to one image: manifest and config, verified, for a platform.
 * @module
 */
import { MiseOciError } from "../errors.ts";
import {
  type Descriptor,
  type Digest,
  formatPlatform,
  formatReference,
  type ImageConfig,
  type Index,
  isDigest,
  type Manifest,
  MAX_MANIFEST_BYTES,
  MediaType,
  parseImageConfig,
  type Platform,
  platformScore,
  type Reference,
  referenceTarget,
} from "../oci/mod.ts";
import type { BlobSink, BlobSource } from "../store/ports.ts";
import { shorten } from "./failure.ts";
import { readBlob } from "./get_blob.ts";
import { type FetchedManifest, fetchManifest, parseFetched } from "./get_manifest.ts";
import { listPlatforms, selectPlatform } from "./select_platform.ts";
import type { RegistryClient } from "./transport.ts";

/** What {@linkcode resolveImage} is asked for. */
export interface ResolveImageOptions {
  /** The image; its digest decides if it has a tag too. */
  readonly reference: Reference;
  /** The platform it is for. */
  readonly platform: Platform;
  /**
   * Manifests and configs are taken from here if they are there, and put here: with a digest in the
   * reference and everything in the cache, the registry is not asked at all.
   */
  readonly cache?: BlobSource & BlobSink;
  /** Ends it. */
  readonly signal?: AbortSignal;
}

/** One image in a registry. */
export interface ResolvedRemoteImage {
  /** The reference asked for. */
  readonly reference: Reference;
  /**
   * The way from what the reference names (an index, or the manifest itself) to the image's manifest,
   * which comes last.
   */
  readonly path: readonly [Descriptor, ...Descriptor[]];
  /** Descriptor of the manifest: the last of `path`. */
  readonly descriptor: Descriptor;
  /** The manifest. */
  readonly manifest: Manifest;
  /** The manifest's raw bytes. */
  readonly manifestBytes: Uint8Array<ArrayBuffer>;
  /** The image config. */
  readonly config: ImageConfig;
  /** The config's raw bytes. */
  readonly configBytes: Uint8Array<ArrayBuffer>;
  /** The platform of the image: what the index says, else what the config says. */
  readonly platform: Platform;
}

/** Indexes inside indexes are followed so deep. */
const MAX_DEPTH = 4;
/** And so many of their entries are looked into for one that fits. */
const MAX_LOOKED_INTO = 16;

/**
 * Resolves a reference to the image for a platform, through indexes if need be. Every byte is verified
 * against the digest that named it.
 *
 * @throws {MiseOciError} `not-found` if there is no such image; `unsupported` if it is not for the
 * platform (the message lists those it is for) or is no image; `integrity`, `invalid` for bad
 * content; `auth`, `registry`, `network`.
 *
 * @example
 * ```ts
 * import { type Digest, parsePlatform, parseReference } from "../oci/mod.ts";
 * import { createRegistryClient } from "./transport.ts";
 * import { resolveImage } from "./resolve_image.ts";
 *
 * async function digestForArm(name: string): Promise<Digest> {
 *   const reference = parseReference(name);
 *   const client = createRegistryClient({ registry: reference.registry, insecure: false });
 *   try {
 *     const platform = parsePlatform("linux/arm64");
 *     return (await resolveImage(client, { reference, platform })).descriptor.digest;
 *   } finally {
 *     client.close();
 *   }
 * }
 * ```
 */
export async function resolveImage(
  client: RegistryClient,
  options: ResolveImageOptions,
): Promise<ResolvedRemoteImage> {
  const walk = new Walk(client, options);
  const root = await walk.fetch(referenceTarget(options.reference));
  const found = await walk.find(root, [root.descriptor]);
  if (found !== undefined) return found;
  const { reference, platform } = options;
  const offers = root.content.kind === "index" ? listPlatforms(root.content.index) : "another one";
  throw new MiseOciError(
    "unsupported",
    `Cannot use image "${formatReference(reference)}" for ${
      formatPlatform(platform)
    }: it offers ${offers}`,
    { hint: "Choose another image, or another --platform" },
  );
}

type Path = readonly [Descriptor, ...Descriptor[]];

class Walk {
  readonly #client: RegistryClient;
  readonly #options: ResolveImageOptions;
  readonly #name: string;
  #lookedInto = 0;

  constructor(client: RegistryClient, options: ResolveImageOptions) {
    this.#client = client;
    this.#options = options;
    this.#name = formatReference(options.reference);
  }

  /** A manifest by tag or digest, from the cache if it is there. */
  async fetch(target: string, descriptor?: Descriptor): Promise<FetchedManifest> {
    const { reference: { repository }, cache, signal } = this.#options;
    const cached = isDigest(target) ? await this.#cached(target, descriptor?.size) : undefined;
    if (cached !== undefined) {
      return await parseFetched(cached, { what: `manifest "${this.#name}"`, expected: descriptor });
    }
    const fetched = await fetchManifest(this.#client, {
      repository,
      target,
      ...(descriptor === undefined ? {} : { descriptor }),
      signal,
    });
    await keep(cache, fetched.bytes, fetched.descriptor.digest);
    return fetched;
  }

  /** The image at, or below, what was fetched; `undefined` if there is none for the platform. */
  async find(fetched: FetchedManifest, path: Path): Promise<ResolvedRemoteImage | undefined> {
    const { content } = fetched;
    if (content.kind === "manifest") return await this.#image(fetched, content.manifest, path);
    if (path.length > MAX_DEPTH) this.#fail(`indexes are nested more than ${MAX_DEPTH} deep`);
    return await this.#findIn(content.index, path);
  }

  async #findIn(index: Index, path: Path): Promise<ResolvedRemoteImage | undefined> {
    for (const entry of selectPlatform(index, this.#options.platform)) {
      if (++this.#lookedInto > MAX_LOOKED_INTO) {
        this.#fail(`none of the first ${MAX_LOOKED_INTO} entries that may fit is for the platform`);
      }
      const child = await this.fetch(entry.digest, entry);
      const found = await this.find(child, [...path, entry]);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  async #image(
    fetched: FetchedManifest,
    manifest: Manifest,
    path: Path,
  ): Promise<ResolvedRemoteImage | undefined> {
    const { reference, platform: wanted } = this.#options;
    const { mediaType } = manifest.config;
    if (mediaType !== MediaType.config && mediaType !== MediaType.dockerConfig) {
      throw new MiseOciError(
        "unsupported",
        `Cannot use "${this.#name}": its config is ${
          JSON.stringify(shorten(mediaType))
        }, so it is no container image`,
      );
    }
    const configBytes = await this.#config(manifest.config);
    const config = parseImageConfig(configBytes, `config of "${this.#name}"`);
    const { os, architecture, variant } = config;
    const own: Platform = { os, architecture, ...(variant === undefined ? {} : { variant }) };
    const stated = path.length > 1 ? path.at(-1)?.platform : undefined;
    if (stated === undefined && platformScore(wanted, own) === 0) {
      if (path.length > 1) return undefined;
      this.#fail(`it is for ${formatPlatform(own)}, not ${formatPlatform(wanted)}`);
    }
    if (stated !== undefined && platformScore(stated, own) === 0) {
      this.#client.warn(
        `Image "${this.#name}" is for ${formatPlatform(stated)} by its index and for ${
          formatPlatform(own)
        } by its config`,
      );
    }
    if (manifest.layers.length !== config.diffIds.length) {
      this.#fail(`it has ${manifest.layers.length} layers and ${config.diffIds.length} diff IDs`);
    }
    return {
      reference,
      path,
      descriptor: fetched.descriptor,
      manifest,
      manifestBytes: fetched.bytes,
      config,
      configBytes,
      platform: stated ?? own,
    };
  }

  async #config(descriptor: Descriptor): Promise<Uint8Array<ArrayBuffer>> {
    const { reference: { repository }, cache, signal } = this.#options;
    const cached = await this.#cached(descriptor.digest, descriptor.size);
    if (cached !== undefined) return cached;
    const bytes = await readBlob(this.#client, { repository, descriptor, signal });
    await keep(cache, bytes, descriptor.digest);
    return bytes;
  }

  async #cached(digest: Digest, size?: number): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const { cache } = this.#options;
    const found = await cache?.size(digest);
    if (cache === undefined || found === undefined || found > MAX_MANIFEST_BYTES) return undefined;
    if (size !== undefined && found !== size) return undefined;
    return new Uint8Array(await new Response(await cache.open(digest)).arrayBuffer());
  }

  #fail(why: string): never {
    throw new MiseOciError("unsupported", `Cannot use image "${this.#name}": ${why}`, {
      hint: "Choose another image, or another --platform",
    });
  }
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
