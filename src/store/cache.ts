/**
 * The cache: base blobs by digest, built layers by the fingerprint of their input, and the last digests of
 * references. Everything in it can be rebuilt, so a damaged entry is a cache miss.
 * @module
 */
import { MiseOciError } from "../errors.ts";
import {
  asObject,
  asSize,
  asString,
  type Descriptor,
  descriptorToJson,
  type DiffId,
  type Digest,
  maybe,
  parseDescriptor,
  parseDiffId,
} from "../oci/mod.ts";
import { dirname, join } from "@std/path";
import { FileBlobWriter } from "./blob_directory.ts";
import { archiveScratch, defaultCacheDirectory } from "./cache_directory.ts";
import { CacheBlobs } from "./cache_blobs.ts";
import {
  type CacheEntry,
  listCache,
  pruneCache,
  type PruneOptions,
  type PruneResult,
} from "./cache_prune.ts";
import { type Disk, realDisk } from "./disk.ts";
import { holdInstalls, useInstalls } from "./installs.ts";
import { ioError, maybeLstat, maybeSystemCode } from "./io_error.ts";
import type { Layout } from "./layout.ts";
import { type Lease, takeLease } from "./lease.ts";
import type { BlobRange, BlobSink, BlobSource, BlobWriter } from "./ports.ts";
import { type ProblemListener, readNames, Records } from "./records.ts";
import { sweepTemporaries, temporaryPath, writeFileAtomic } from "./temp_file.ts";

/** A layer that was built before. */
export interface CachedLayer {
  /** The blob: media type, digest and compressed size. */
  readonly descriptor: Descriptor;
  /** Digest of the uncompressed tar. */
  readonly diffId: DiffId;
  /** Length of the uncompressed tar in bytes. */
  readonly uncompressedSize: number;
  /** What it is, for `cache ls`: `jq 1.8.1`. */
  readonly label?: string;
  /** Data of the code that built it, for when it is used again. JSON; parse it as untrusted input. */
  readonly notes?: unknown;
}

/** A manifest as a registry sent it. */
export interface CachedManifest {
  /** Its bytes. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Its media type. */
  readonly mediaType: string;
}

/** Options of {@linkcode openCache}. */
export interface CacheOptions {
  /** Called for every entry that was found damaged and removed; for `-v`. */
  readonly onProblem?: ProblemListener;
  /** The disk; a test may give its own. */
  readonly disk?: Disk;
}

function parseLayer(value: unknown): CachedLayer {
  const object = asObject(value, "cached layer");
  const label = maybe(object["label"], "label", asString);
  return {
    descriptor: parseDescriptor(object["descriptor"], "descriptor"),
    diffId: parseDiffId(object["diffId"]),
    uncompressedSize: asSize(object["uncompressedSize"], "uncompressedSize"),
    ...(label === undefined ? {} : { label }),
    ...(object["notes"] === undefined ? {} : { notes: object["notes"] }),
  };
}

/** A record's value parsed; one that does not parse is a miss. */
function maybeParsed<T>(value: unknown, parse: (value: unknown) => T): T | undefined {
  if (value === undefined) return undefined;
  try {
    return parse(value);
  } catch (error) {
    if (error instanceof MiseOciError) return undefined;
    throw error;
  }
}

/** Why a hard link could not be made although both files may be fine: then the bytes are copied. */
const COPY_INSTEAD = new Set([
  "EXDEV",
  "EPERM",
  "EMLINK",
  "ENOTSUP",
  "EOPNOTSUPP",
  "ENOSYS",
  "EACCES",
]);

/** The cache. Safe to use from many processes concurrently. */
export class Cache implements BlobSink, BlobSource {
  /** The absolute directory. */
  readonly dir: string;
  /** What it is, for messages. */
  readonly place: string;
  /** Its blobs. */
  readonly blobs: CacheBlobs;
  /** Built layers by fingerprint. */
  readonly layers: Records;
  /** Manifests by reference. */
  readonly manifests: Records;
  /** The directory of documents, one below it for each namespace. */
  readonly documents: string;
  readonly #disk: Disk;
  readonly #onProblem: ProblemListener;

  /** Use {@linkcode openCache}, which makes the directories. */
  constructor(dir: string, options: CacheOptions = {}) {
    this.dir = dir;
    this.place = `cache "${dir}"`;
    this.#disk = options.disk ?? realDisk;
    this.#onProblem = options.onProblem ?? (() => {});
    this.blobs = new CacheBlobs(dir, this.place, this.#onProblem);
    this.layers = new Records(join(dir, "layers"), this.#onProblem);
    this.documents = join(dir, "documents");
    this.manifests = new Records(join(dir, "manifests"), this.#onProblem);
  }

  /** Whether an intact blob of that size exists; marks it as used. */
  has(digest: Digest, size: number): Promise<boolean> {
    return this.blobs.use(digest, size);
  }

  size(digest: Digest): Promise<number | undefined> {
    return this.blobs.directory.size(digest);
  }

  open(digest: Digest, range?: BlobRange): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
    return this.blobs.directory.open(digest, range);
  }

  async create(): Promise<BlobWriter> {
    return await FileBlobWriter.create(this.blobs.directory.path, {
      disk: this.#disk,
      onCommit: ({ digest }, info) => this.blobs.stamp(digest, info),
    });
  }

  /**
   * Puts a blob of the cache into a layout, as a hard link where the file system can, else as a copy.
   * @returns `false` if the cache does not have it (any more); a damaged one was removed and reported.
   * @throws {MiseOciError} `io` if the layout cannot be written.
   */
  async linkInto(layout: Layout, digest: Digest, size: number): Promise<boolean> {
    await layout.prepare();
    const [from, to] = [this.blobs.directory.pathOf(digest), layout.blobs.pathOf(digest)];
    const before = maybeLstat(from);
    if (before === undefined || !await this.blobs.use(digest, size)) return false;
    try {
      await this.#link(from, to);
    } catch (error) {
      const code = maybeSystemCode(error);
      if (code === "ENOENT" && maybeLstat(from) === undefined) return false;
      if (code === undefined || !COPY_INSTEAD.has(code)) throw ioError(error, "write", to);
      return await this.#copy(layout, digest, size);
    }
    await this.blobs.restamp(digest, before);
    return true;
  }

  async #link(from: string, to: string): Promise<void> {
    const [old, cached] = [maybeLstat(to), maybeLstat(from)];
    if (old === undefined) {
      const made = await this.#disk.link(from, to).then(() => true, (error) => {
        if (error instanceof Deno.errors.AlreadyExists) return false;
        throw error;
      });
      if (made) return;
    } else if (old.ino === cached?.ino && old.dev === cached.dev) {
      return;
    }
    // The existing file may be damaged; the link replaces it.
    const temporary = temporaryPath(dirname(to));
    await this.#disk.link(from, temporary);
    try {
      await this.#disk.rename(temporary, to);
    } finally {
      // Renaming one link to a file over another leaves both.
      await Deno.remove(temporary).catch(() => {});
    }
  }

  async #copy(layout: Layout, digest: Digest, size: number): Promise<boolean> {
    if (await layout.has(digest, size)) return true;
    const writer = await layout.create();
    try {
      for await (const chunk of await this.open(digest)) await writer.write(chunk);
    } catch (error) {
      await writer.abort();
      if (error instanceof MiseOciError && ["integrity", "not-found"].includes(error.code)) {
        return false;
      }
      throw error;
    }
    await writer.commit({ digest, size });
    return true;
  }

  /** The layer that was built for a fingerprint, if its blob still exists and is intact. */
  async getLayer(fingerprint: string): Promise<CachedLayer | undefined> {
    const layer = maybeParsed(await this.layers.get(fingerprint), parseLayer);
    if (layer === undefined) return undefined;
    const { digest, size } = layer.descriptor;
    if (await this.has(digest, size)) return layer;
    await this.layers.remove(fingerprint);
    return undefined;
  }

  /** Remembers a layer whose blob was put in before. */
  async putLayer(fingerprint: string, layer: CachedLayer): Promise<void> {
    const { descriptor, diffId, uncompressedSize, label, notes } = layer;
    const { mediaType, digest, size } = descriptor;
    await this.layers.put(fingerprint, {
      descriptor: descriptorToJson({ mediaType, digest, size }),
      diffId,
      uncompressedSize,
      label,
      notes,
    });
  }

  /** What a reference (or any key) resolved to last. Parse it as if it came from outside. */
  async getManifest(key: string): Promise<CachedManifest | undefined> {
    return maybeParsed(await this.manifests.get(key), (value) => {
      const object = asObject(value, "cached manifest");
      const bytes = new TextEncoder().encode(asString(object["body"], "body"));
      return { bytes, mediaType: asString(object["mediaType"], "mediaType") };
    });
  }

  /** Remembers what a reference resolved to. @throws {MiseOciError} `invalid` if it is not UTF-8. */
  async putManifest(key: string, manifest: CachedManifest): Promise<void> {
    let body: string;
    try {
      body = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(manifest.bytes);
    } catch (cause) {
      throw new MiseOciError("invalid", `Cannot store manifest of "${key}": not UTF-8`, { cause });
    }
    await this.manifests.put(key, { mediaType: manifest.mediaType, body });
  }

  #documents(namespace: string): Records {
    if (!/^[a-z0-9][a-z0-9-]*$/.test(namespace)) {
      throw new TypeError(
        `Namespace "${namespace}" is not of lower case letters, digits and hyphens`,
      );
    }
    return new Records(join(this.documents, namespace), this.#onProblem);
  }

  /**
   * A JSON document, `undefined` if there is none. Its bytes are those that were stored; the caller defines
   * its format.
   */
  async getDocument(namespace: string, key: string): Promise<unknown> {
    return await this.#documents(namespace).get(key);
  }

  /** Stores a JSON document (a base layer's list of files, for one). */
  async putDocument(namespace: string, key: string, value: unknown): Promise<void> {
    await this.#documents(namespace).put(key, value);
  }

  /**
   * Registers a running build: entries that are used from now until its release are not pruned. Take the
   * lease before the first access to the cache. It ends with the process, even if that is killed.
   */
  lease(): Promise<Lease> {
    return takeLease(this.dir);
  }

  /** Keeps the installs for other platforms from being pruned. Take it before mise lists them. */
  holdInstalls(): Promise<AsyncDisposable> {
    return holdInstalls(this.dir);
  }

  /** Records that installs for other platforms are used; other paths are ignored. */
  useInstalls(paths: readonly string[]): void {
    useInstalls(this.dir, paths);
  }

  /** Everything in the cache, most recently used first; files of others are left out. */
  list(): Promise<CacheEntry[]> {
    return listCache(this);
  }

  /** Removes what was not used for long, or the least recently used of too much. */
  prune(options: PruneOptions = {}): Promise<PruneResult> {
    return pruneCache(this, options);
  }
}

const TAG = `Signature: 8a477f597d28d172789f06886806bc55
# The cache of mise-oci; backup programs that know this tag leave it out.
`;

/**
 * Opens the cache, creates its directories, and removes partial files of killed runs.
 * @param dir absolute; default: `cacheDirectory` of the environment.
 * @throws {MiseOciError} `io` if it cannot be written.
 */
export async function openCache(dir?: string, options: CacheOptions = {}): Promise<Cache> {
  const path = dir ?? defaultCacheDirectory();
  const cache = new Cache(path, options);
  await cache.blobs.prepare();
  const tag = join(path, "CACHEDIR.TAG");
  if (maybeLstat(tag) === undefined) {
    await writeFileAtomic(tag, new TextEncoder().encode(TAG), { durable: false });
  }
  const { blobs, layers, manifests, documents } = cache;
  const namespaces = (await readNames(documents)).map((name) => join(documents, name));
  const places = [path, blobs.directory.path, blobs.stamps, layers.path, manifests.path];
  for (const place of [...places, archiveScratch(path), ...namespaces]) {
    await sweepTemporaries(place);
  }
  return cache;
}
