/**
 * What the registry of the tests holds, in memory.
 * @module
 */
import { createHash } from "node:crypto";
import {
  type Descriptor,
  type Digest,
  encodeImageConfig,
  encodeIndex,
  encodeManifest,
  type ImageConfig,
  type Manifest,
  MediaType,
  parseDiffId,
  parseDigest,
  type Platform,
} from "../../../src/oci/mod.ts";

/** The digest of bytes. */
export function digestOf(bytes: Uint8Array): Digest {
  return parseDigest(`sha256:${createHash("sha256").update(bytes).digest("hex")}`);
}

/** A manifest as it is stored. */
export interface StoredManifest {
  /** The raw bytes. */
  readonly bytes: Uint8Array;
  /** The `Content-Type` that it came with. */
  readonly mediaType: string;
}

/** An upload session. */
export interface Upload {
  /** Repository. */
  readonly repository: string;
  /** Bytes so far. */
  bytes: Uint8Array<ArrayBuffer>;
  /** Changes with every chunk, as in real registries. */
  state: number;
}

/** One repository. */
export interface Repository {
  /** Blobs by digest. */
  readonly blobs: Map<string, Uint8Array>;
  /** Manifests by digest. */
  readonly manifests: Map<string, StoredManifest>;
  /** Digests by tag. */
  readonly tags: Map<string, Digest>;
}

/** An image that was put into the registry. */
export interface FixtureImage {
  /** Descriptor of the manifest, with its platform. */
  readonly descriptor: Descriptor;
  /** The manifest's bytes. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The manifest. */
  readonly manifest: Manifest;
  /** The config. */
  readonly config: ImageConfig;
  /** The config's bytes. */
  readonly configBytes: Uint8Array<ArrayBuffer>;
}

/** What {@linkcode Repositories.addImage} makes. */
export interface FixtureImageOptions {
  /** Tag. */
  readonly tag?: string;
  /** Platform; default linux/amd64. */
  readonly platform?: Platform;
  /** The layers' bytes; default: one of 1 KiB. */
  readonly layers?: readonly Uint8Array[];
  /** Changes the manifest before it is encoded. */
  readonly edit?: (manifest: Manifest) => Manifest;
}

/** The registry's content. */
export class Repositories {
  readonly #repositories = new Map<string, Repository>();
  /** Open upload sessions by id. */
  readonly uploads: Map<string, Upload> = new Map();

  /** A repository; made if it is not there. */
  get(name: string): Repository {
    const known = this.#repositories.get(name);
    if (known !== undefined) return known;
    const made = { blobs: new Map(), manifests: new Map(), tags: new Map() };
    this.#repositories.set(name, made);
    return made;
  }

  /** Whether a repository is there. */
  has(name: string): boolean {
    return this.#repositories.has(name);
  }

  /** Puts a blob in. */
  addBlob(
    repository: string,
    bytes: Uint8Array,
    mediaType = "application/octet-stream",
  ): Descriptor {
    const digest = digestOf(bytes);
    this.get(repository).blobs.set(digest, bytes);
    return { mediaType, digest, size: bytes.length };
  }

  /** Puts a manifest or index in, whatever its bytes are. */
  addManifest(
    repository: string,
    bytes: Uint8Array,
    options: { readonly mediaType: string; readonly tag?: string },
  ): Descriptor {
    const digest = digestOf(bytes);
    const { manifests, tags } = this.get(repository);
    manifests.set(digest, { bytes, mediaType: options.mediaType });
    if (options.tag !== undefined) tags.set(options.tag, digest);
    return { mediaType: options.mediaType, digest, size: bytes.length };
  }

  /** Puts an image in. */
  addImage(repository: string, options: FixtureImageOptions = {}): FixtureImage {
    const platform = options.platform ?? { os: "linux", architecture: "amd64" };
    const bodies = options.layers ?? [randomBytes(1024, 1)];
    const config: ImageConfig = {
      ...platform,
      created: "2026-01-01T00:00:00Z",
      config: { Env: ["PATH=/usr/bin"], Cmd: ["/bin/sh"] },
      diffIds: bodies.map((bytes) => parseDiffId(digestOf(bytes))),
    };
    const configBytes = encodeImageConfig(config);
    const plain: Manifest = {
      mediaType: MediaType.manifest,
      config: this.addBlob(repository, configBytes, MediaType.config),
      layers: bodies.map((bytes) => this.addBlob(repository, bytes, MediaType.layerGzip)),
    };
    const manifest = options.edit?.(plain) ?? plain;
    const bytes = encodeManifest(manifest);
    const added = this.addManifest(repository, bytes, {
      mediaType: MediaType.manifest,
      ...(options.tag === undefined ? {} : { tag: options.tag }),
    });
    return { descriptor: { ...added, platform }, bytes, manifest, config, configBytes };
  }

  /** Puts an index in. */
  addIndex(repository: string, manifests: readonly Descriptor[], tag?: string): Descriptor {
    return this.addManifest(repository, encodeIndex({ manifests }), {
      mediaType: MediaType.index,
      ...(tag === undefined ? {} : { tag }),
    });
  }
}

/** The same pseudo-random bytes for the same seed. */
export function randomBytes(size: number, seed: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size);
  let state = seed * 2654435761 >>> 0 || 1;
  for (let i = 0; i < size; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[i] = state;
  }
  return bytes;
}
