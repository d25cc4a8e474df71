/**
 * Archives of `docker save`, which `podman save`, crane and buildah write in the same form: a `manifest.json`
 * that names a config and layers for each image. They are presented like a layout: an OCI manifest for the
 * same bytes is generated for each image.
 * @module
 */
import * as posix from "@std/path/posix";
import { MiseOciError } from "../errors.ts";
import {
  asArray,
  asObject,
  asString,
  asStrings,
  type Descriptor,
  type DiffId,
  type Digest,
  digestOf,
  encodeManifest,
  type Index,
  maybe,
  MediaType,
  parseDigest,
  parseImageConfig,
  parseJson,
  type Platform,
  Sha256,
} from "../oci/mod.ts";
import { nameEntry } from "../store/layout.ts";
import type { BlobRange } from "../store/ports.ts";
import type { ListedTarEntry } from "../tar/list.ts";

/** The file that lists the images. */
export const MANIFEST_FILE = "manifest.json";

/** An archive of `docker save`, presented like a layout. */
export interface DockerSave {
  /** An entry for each name of each image. */
  readonly index: Index;
  /** The generated manifests, and the configs. */
  readonly documents: ReadonlyMap<Digest, Uint8Array<ArrayBuffer>>;
  /** Where the layers are. */
  readonly blobs: ReadonlyMap<Digest, ListedTarEntry>;
}

/** How the archive is read. */
export interface SaveReader {
  /** A description for messages. */
  readonly place: string;
  /** A small file. @throws {MiseOciError} `layout` if it does not exist. */
  readFile(name: string): Promise<Uint8Array<ArrayBuffer>>;
  /** Bytes of an entry. */
  open(entry: ListedTarEntry, range?: BlobRange): Promise<ReadableStream<Uint8Array<ArrayBuffer>>>;
}

interface SavedImage {
  readonly config: string;
  readonly names: readonly string[];
  readonly layers: readonly string[];
}

function parseSaved(bytes: Uint8Array, what: string): readonly SavedImage[] {
  return asArray(parseJson(bytes, { what }), what).map((item, i) => {
    const object = asObject(item, `${what}[${i}]`);
    return {
      config: asString(object["Config"], `${what}[${i}].Config`),
      names: maybe(object["RepoTags"], `${what}[${i}].RepoTags`, asStrings) ?? [],
      layers: maybe(object["Layers"], `${what}[${i}].Layers`, asStrings) ?? [],
    };
  });
}

const MAGIC: readonly (readonly [string, readonly number[]])[] = [
  [MediaType.layerGzip, [0x1f, 0x8b]],
  [MediaType.layerZstd, [0x28, 0xb5, 0x2f, 0xfd]],
];

/** Finds layers and makes their descriptors; a layer that several images have is read once. */
class Layers {
  readonly blobs = new Map<Digest, ListedTarEntry>();
  readonly #known = new Map<string, Descriptor>();

  constructor(
    readonly files: ReadonlyMap<string, ListedTarEntry>,
    readonly reader: SaveReader,
  ) {}

  async descriptor(name: string, diffId: DiffId | undefined): Promise<Descriptor> {
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const { files, reader } = this;
    const entry = files.get(posix.normalize(name));
    if (entry === undefined) {
      throw new MiseOciError("layout", `Cannot use ${reader.place}: it has no layer "${name}"`, {
        hint: "The archive is incomplete; save the image again",
      });
    }
    const head = await bytesOf(reader, entry, { start: 0, end: Math.min(4, entry.size) });
    const [compressed] = MAGIC.find(([, magic]) => magic.every((byte, i) => head[i] === byte)) ??
      [];
    // The digest of a plain tar is its diff ID, which is verified when it is read.
    const digest = compressed === undefined && diffId !== undefined
      ? parseDigest(diffId as string)
      : await this.#hash(entry);
    const descriptor = { mediaType: compressed ?? MediaType.layer, digest, size: entry.size };
    this.blobs.set(digest, entry);
    this.#known.set(name, descriptor);
    return descriptor;
  }

  async #hash(entry: ListedTarEntry): Promise<Digest> {
    const hash = new Sha256();
    for await (const chunk of await this.reader.open(entry)) hash.update(chunk);
    return parseDigest(`sha256:${await hash.hex()}`);
  }
}

async function bytesOf(
  reader: SaveReader,
  entry: ListedTarEntry,
  range: BlobRange,
): Promise<Uint8Array> {
  return new Uint8Array(await new Response(await reader.open(entry, range)).arrayBuffer());
}

/** The platform matters only later, when the config itself is used. */
const ANY: Platform = { os: "linux", architecture: "amd64" };

/**
 * Reads the images of an archive of `docker save`.
 *
 * @throws {MiseOciError} `invalid` if a document is malformed, `layout` if something it names is missing.
 */
export async function readDockerSave(
  files: ReadonlyMap<string, ListedTarEntry>,
  reader: SaveReader,
): Promise<DockerSave> {
  const what = `${MANIFEST_FILE} of ${reader.place}`;
  const documents = new Map<Digest, Uint8Array<ArrayBuffer>>();
  const layers = new Layers(files, reader);
  const manifests: Descriptor[] = [];
  for (const image of parseSaved(await reader.readFile(MANIFEST_FILE), what)) {
    const config = await reader.readFile(posix.normalize(image.config));
    const { diffIds } = parseImageConfig(config, `config of ${reader.place}`, { platform: ANY });
    const described: Descriptor[] = [];
    for (const [i, name] of image.layers.entries()) {
      described.push(await layers.descriptor(name, diffIds[i]));
    }
    const digest = await digestOf(config);
    const manifest = encodeManifest({
      config: { mediaType: MediaType.config, digest, size: config.length },
      layers: described,
    });
    const entry = {
      mediaType: MediaType.manifest,
      digest: await digestOf(manifest),
      size: manifest.length,
    };
    documents.set(digest, config).set(entry.digest, manifest);
    const names = image.names.length === 0 ? [undefined] : image.names;
    manifests.push(...names.map((name) => nameEntry(entry, name)));
  }
  return { index: { manifests }, documents, blobs: layers.blobs };
}
