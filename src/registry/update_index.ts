/**
 * `--update-index`: a tag with one image for each platform, maintained by independent pushes.
 *
 * The distribution API has no conditional PUT, so two pushes that read the same index would each drop the
 * other's entry. Therefore each write is read back, after a wait in which earlier readers will have written
 * too, and lost entries are merged again.
 * @module
 */
import { MiseOciError } from "../errors.ts";
import {
  type Digest,
  digestOf,
  formatPlatform,
  formatReference,
  type Manifest,
  MediaType,
  parseImageConfig,
  type Platform,
  type Reference,
} from "../oci/mod.ts";
import { fetchBlob } from "./get_blob.ts";
import type { FetchedManifest } from "./get_manifest.ts";
import {
  type EditableIndex,
  EMPTY_INDEX,
  encodeEditableIndex,
  type IndexEntry,
  lostEntries,
  newEntry,
  type PlatformEntry,
  putEntry,
  readIndex,
} from "./index_merge.ts";
import type { Clock } from "./retry.ts";
import { rewriteTag } from "./rewrite_tag.ts";
import type { RegistryClient } from "./transport.ts";

/** Input of {@linkcode updateIndex}. */
export interface UpdateIndexOptions {
  /** The tag; `latest` if it has none. */
  readonly reference: Reference;
  /** The images that were pushed, each with its platform. */
  readonly entries: readonly PlatformEntry[];
  /** For tests: replaces the machine's clock. */
  readonly clock?: Clock;
  /** Aborts the update. */
  readonly signal?: AbortSignal | undefined;
}

/** The index that the tag names afterwards. */
export interface UpdatedIndex {
  /** Digest of the index. */
  readonly digest: Digest;
  /** The platforms in it, sorted: `linux/amd64`. */
  readonly platforms: readonly string[];
  /** How often it was written; 0 if no change was needed. */
  readonly writes: number;
}

const MAX_WRITES = 5;
/** The shortest wait before the index is read back, in milliseconds. */
const MIN_SETTLE_MS = 400;

interface Current {
  readonly index: EditableIndex;
  /** The bytes, if the tag names an index. */
  readonly bytes?: Uint8Array<ArrayBuffer>;
}

/**
 * Adds the entries of pushed images to the index that a tag names. If the tag names a single image, it
 * becomes an entry of a new index; a missing tag is created.
 *
 * @throws {MiseOciError} `auth`, `registry`, `network`, `invalid` or `unsupported` if the tag names
 * something that cannot be read or is not an image: the tag is unchanged then; `registry` if others keep
 * overwriting it.
 */
export async function updateIndex(
  client: RegistryClient,
  options: UpdateIndexOptions,
): Promise<UpdatedIndex> {
  return await new IndexUpdate(client, options).run();
}

class IndexUpdate {
  readonly #client: RegistryClient;
  readonly #options: UpdateIndexOptions;
  readonly #tag: string;
  /** Platforms of single images that the tag named, by digest. */
  readonly #platforms = new Map<Digest, Platform>();
  /** Digests that our writes replaced: if one reappears, our write was lost. */
  readonly #replaced = new Set<Digest>();
  #writes = 0;

  constructor(client: RegistryClient, options: UpdateIndexOptions) {
    this.#client = client;
    this.#options = options;
    this.#tag = options.reference.tag ?? "latest";
  }

  async run(): Promise<UpdatedIndex> {
    const own = this.#options.entries.map(newEntry);
    let written: EditableIndex | undefined;
    let final: Current = { index: EMPTY_INDEX };
    const change = async (found: FetchedManifest | undefined) => {
      const current = await this.#read(found);
      if (current === "again") return current;
      const missing = written === undefined
        ? own
        : lostEntries({ written, found: current.index, replaced: this.#replaced });
      final = current;
      if (missing.length === 0) return undefined;
      const merged = this.#merge(current.index, missing);
      const bytes = encodeEditableIndex(merged);
      final = { index: merged, bytes };
      if (sameBytes(bytes, current.bytes)) return undefined;
      written = merged;
      this.#writes = Math.min(this.#writes + 1, MAX_WRITES);
      return { mediaType: MediaType.index, bytes };
    };
    try {
      await rewriteTag(this.#client, {
        repository: this.#options.reference.repository,
        tag: this.#tag,
        change,
        minSettleMs: MIN_SETTLE_MS,
        maxWrites: MAX_WRITES,
        overwritten: () =>
          new MiseOciError(
            "registry",
            `Cannot update the index at "${this.#name()}": other pushes keep overwriting it`,
            { hint: "Wait until they are done and push again" },
          ),
        clock: this.#options.clock,
        signal: this.#options.signal,
      });
    } catch (error) {
      if (!(error instanceof MiseOciError) || this.#writes > 0) throw error;
      throw new MiseOciError(error.code, `${error.message}; tag "${this.#tag}" is unchanged`, {
        cause: error,
        ...(error.hint === undefined ? {} : { hint: error.hint }),
      });
    }
    return await this.#result(final);
  }

  async #result({ index, bytes }: Current): Promise<UpdatedIndex> {
    const platforms = index.entries.flatMap(({ descriptor: { platform } }) =>
      platform === undefined || platform.os === "unknown" ? [] : [formatPlatform(platform)]
    );
    return {
      digest: await digestOf(bytes ?? encodeEditableIndex(index)),
      platforms,
      writes: this.#writes,
    };
  }

  #merge(current: EditableIndex, missing: readonly IndexEntry[]): EditableIndex {
    const merged = missing.reduce(putEntry, current);
    const kept = new Set(merged.entries.map(({ descriptor }) => descriptor.digest));
    for (const { descriptor: { digest } } of current.entries) {
      if (!kept.has(digest)) this.#replaced.add(digest);
    }
    for (const digest of kept) this.#replaced.delete(digest);
    return merged;
  }

  /** The current index; `"again"` after fetching the platform of a single image, which takes time. */
  async #read(found: FetchedManifest | undefined): Promise<Current | "again"> {
    if (found === undefined) return { index: EMPTY_INDEX };
    const { bytes, content, descriptor: { digest } } = found;
    if (content.kind === "index") {
      return { index: readIndex(bytes, `index "${this.#name()}"`), bytes };
    }
    const platform = this.#platforms.get(digest);
    if (platform !== undefined) return { index: singleImage(found, platform) };
    this.#platforms.set(digest, await this.#platformOf(content.manifest));
    return "again";
  }

  async #platformOf(manifest: Manifest): Promise<Platform> {
    const { config: descriptor } = manifest;
    if (
      descriptor.mediaType !== MediaType.config && descriptor.mediaType !== MediaType.dockerConfig
    ) {
      throw new MiseOciError(
        "unsupported",
        `Cannot update the index at "${this.#name()}": the tag names something that is not an image`,
        { hint: "Push to another tag" },
      );
    }
    const bytes = await fetchBlob(this.#client, {
      repository: this.#options.reference.repository,
      descriptor,
      signal: this.#options.signal,
    });
    const config = parseImageConfig(bytes, `config of "${this.#name()}"`);
    const version = config.extensions?.["os.version"];
    return {
      architecture: config.architecture,
      os: config.os,
      ...(typeof version === "string" ? { "os.version": version } : {}),
      ...(config.variant === undefined ? {} : { variant: config.variant }),
    };
  }

  #name(): string {
    const { registry, repository } = this.#options.reference;
    return formatReference({ registry, repository, tag: this.#tag });
  }
}

/** An index of the single image that a tag named. */
function singleImage(found: FetchedManifest, platform: Platform): EditableIndex {
  const { mediaType, digest, size } = found.descriptor;
  return { raw: {}, entries: [newEntry({ mediaType, digest, size, platform })] };
}

function sameBytes(a: Uint8Array, b: Uint8Array | undefined): boolean {
  return b !== undefined && a.length === b.length && a.every((byte, i) => byte === b[i]);
}
