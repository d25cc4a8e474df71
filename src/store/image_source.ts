/**
 * Finding an image in a layout, an archive or anything else that has an index and blobs.
 * @module
 */
import { MiseOciError } from "../errors.ts";
import {
  Annotation,
  type Descriptor,
  type Digest,
  formatPlatform,
  type ImageConfig,
  type Index,
  type Manifest,
  MAX_MANIFEST_BYTES,
  maybeManifestKind,
  parseImageConfig,
  parseManifest,
  type Platform,
  platformScore,
  shortDigest,
} from "../oci/mod.ts";
import type { BlobSource } from "./ports.ts";

/** A place that holds images: blobs and the index that names them. */
export interface ImageStore extends BlobSource {
  /** What it is, for messages: `image layout "/x"`. */
  readonly place: string;
  /** Its index. @throws {MiseOciError} `layout` if it is malformed. */
  index(): Promise<Index>;
  /** What changes with the file of a blob; absent where blobs have none of their own. */
  state?(digest: Digest): Promise<string | undefined>;
}

/** Which image of several is meant. */
export interface ImageSelector {
  /** Name in the index. */
  readonly tag?: string;
  /** What the image must run on. */
  readonly platform?: Platform;
}

/** An image that was found, read and checked. */
export interface ResolvedImage {
  /** Descriptor of the manifest. */
  readonly descriptor: Descriptor;
  /** The manifest. */
  readonly manifest: Manifest;
  /** The manifest's bytes, as they are stored. */
  readonly manifestBytes: Uint8Array<ArrayBuffer>;
  /** The image config. */
  readonly config: ImageConfig;
  /** The config's bytes, as they are stored. */
  readonly configBytes: Uint8Array<ArrayBuffer>;
  /** What the image runs on, by its config. */
  readonly platform: Platform;
  /** Its name in the index. */
  readonly tag?: string;
  /** Where its blobs are. */
  readonly source: BlobSource;
}

/** Indexes within indexes are followed this deep, as R16 asks. */
const MAX_DEPTH = 4;
/** Manifests looked at in one search: an index of indexes can name far more than anybody means. */
const MAX_MANIFESTS = 2000;

interface Candidate {
  readonly descriptor: Descriptor;
  readonly tag: string | undefined;
}

/**
 * Reads a small blob, whole and verified against its descriptor.
 * @throws {MiseOciError} `not-found`, `integrity`, or `invalid` if it is larger than 4 MiB.
 */
export async function readBlob(
  source: BlobSource,
  descriptor: Descriptor,
): Promise<Uint8Array<ArrayBuffer>> {
  const { digest, size } = descriptor;
  if (size > MAX_MANIFEST_BYTES) {
    throw new MiseOciError(
      "invalid",
      `Cannot read blob "${digest}": ${size} bytes are too many for a manifest or config`,
    );
  }
  await checkSize(source, descriptor);
  const bytes = new Uint8Array(size);
  let offset = 0;
  for await (const chunk of await source.open(digest)) {
    bytes.set(chunk, offset);
    offset += chunk.length;
  }
  return bytes;
}

/** @throws {MiseOciError} `not-found` if the blob is missing, `integrity` if its size is another. */
export async function checkSize(source: BlobSource, descriptor: Descriptor): Promise<void> {
  const { digest, size } = descriptor;
  const actual = await source.size(digest);
  if (actual === size) return;
  const place = "place" in source ? ` of ${source.place}` : "";
  throw actual === undefined
    ? new MiseOciError("not-found", `Cannot find blob "${digest}"${place}`, {
      hint: "The image is incomplete; build or copy it again",
    })
    : new MiseOciError(
      "integrity",
      `Blob "${digest}"${place} has ${actual} bytes, ${size} expected`,
      {
        hint: "The image is damaged; build or copy it again",
      },
    );
}

/** Whether an entry can be an image: attestations and other artifacts cannot. */
function canBeImage(entry: Descriptor): boolean {
  return maybeManifestKind(entry.mediaType) !== undefined &&
    entry.artifactType === undefined &&
    entry.annotations?.["vnd.docker.reference.type"] === undefined &&
    entry.platform?.os !== "unknown";
}

/** The name of an entry in the index of a layout. */
export function tagOf(entry: Descriptor): string | undefined {
  return entry.annotations?.[Annotation.refName];
}

function entriesOfTag(
  store: ImageStore,
  index: Index,
  tag: string | undefined,
): readonly Descriptor[] {
  if (tag === undefined) return index.manifests;
  const exact = index.manifests.filter((entry) => tagOf(entry) === tag);
  // Some writers put the whole reference where the specification has the tag.
  const found = exact.length > 0
    ? exact
    : index.manifests.filter((entry) => tagOf(entry)?.endsWith(`:${tag}`));
  if (found.length > 0) return found;
  const tags = index.manifests.flatMap((entry) => tagOf(entry) ?? []);
  const holds = tags.length === 0 ? "no tags" : tags.map((name) => `"${name}"`).join(", ");
  throw new MiseOciError(
    "not-found",
    `Cannot find tag "${tag}" in ${store.place}: it holds ${holds}`,
  );
}

async function collect(store: ImageStore, entries: readonly Descriptor[]): Promise<Candidate[]> {
  const found = new Map<string, Candidate>();
  const visited = new Set<string>();
  const visit = async (
    entry: Descriptor,
    tag: string | undefined,
    depth: number,
  ): Promise<void> => {
    if (!canBeImage(entry) || visited.has(entry.digest)) return;
    visited.add(entry.digest);
    if (visited.size > MAX_MANIFESTS) {
      throw new MiseOciError(
        "unsupported",
        `Cannot search ${store.place}: it names more than ${MAX_MANIFESTS} manifests`,
      );
    }
    if (maybeManifestKind(entry.mediaType) !== "index") {
      found.set(entry.digest, { descriptor: entry, tag });
      return;
    }
    if (depth >= MAX_DEPTH) {
      throw new MiseOciError(
        "unsupported",
        `Cannot search ${store.place}: indexes are nested more than ${MAX_DEPTH} deep`,
      );
    }
    const parsed = parseManifest(await readBlob(store, entry), {
      what: `index "${entry.digest}" of ${store.place}`,
      expectedMediaType: entry.mediaType,
    });
    if (parsed.kind !== "index") return;
    for (const child of parsed.index.manifests) await visit(child, tag, depth + 1);
  };
  for (const entry of entries) await visit(entry, tagOf(entry), 0);
  return [...found.values()];
}

async function read(store: ImageStore, candidate: Candidate): Promise<ResolvedImage> {
  const { descriptor, tag } = candidate;
  const what = `manifest "${descriptor.digest}" of ${store.place}`;
  const manifestBytes = await readBlob(store, descriptor);
  const parsed = parseManifest(manifestBytes, { what, expectedMediaType: descriptor.mediaType });
  if (parsed.kind !== "manifest") {
    throw new MiseOciError("invalid", `Cannot parse ${what}: it is an index`);
  }
  const { manifest } = parsed;
  const configBytes = await readBlob(store, manifest.config);
  const config = parseImageConfig(
    configBytes,
    `config "${manifest.config.digest}" of ${store.place}`,
  );
  if (config.diffIds.length !== manifest.layers.length) {
    throw new MiseOciError(
      "invalid",
      `Cannot use ${what}: it has ${manifest.layers.length} layers and ${config.diffIds.length} diff IDs`,
    );
  }
  const { os, architecture, variant } = config;
  const platform = { os, architecture, ...(variant === undefined ? {} : { variant }) };
  const named = tag === undefined ? {} : { tag };
  return {
    descriptor,
    manifest,
    manifestBytes,
    config,
    configBytes,
    platform,
    source: store,
    ...named,
  };
}

function describe(candidate: Candidate): string {
  const { descriptor, tag } = candidate;
  const platform = descriptor.platform === undefined ? [] : [formatPlatform(descriptor.platform)];
  const name = tag === undefined ? shortDigest(descriptor.digest) : `"${tag}"`;
  return [name, ...platform].join(" ");
}

function listing(candidates: readonly Candidate[]): string {
  const shown = candidates.slice(0, 10).map(describe).join(", ");
  return candidates.length > 10 ? `${shown} and ${candidates.length - 10} more` : shown;
}

/** The candidates that run best on the platform; those that do not say what they are for are read. */
async function bestFor(
  store: ImageStore,
  candidates: readonly Candidate[],
  platform: Platform,
): Promise<{ readonly best: readonly Candidate[]; readonly all: readonly Candidate[] }> {
  const all: Candidate[] = [];
  const scores: number[] = [];
  for (const candidate of candidates) {
    const { descriptor, tag } = candidate;
    const offered = descriptor.platform ?? (await read(store, candidate)).platform;
    all.push({ descriptor: { ...descriptor, platform: offered }, tag });
    scores.push(platformScore(platform, offered));
  }
  const top = Math.max(...scores);
  return { best: top === 0 ? [] : candidates.filter((_, i) => scores[i] === top), all };
}

/**
 * Finds the one image that a selector means, following nested indexes.
 *
 * @throws {MiseOciError} `not-found` if there is none, listing what there is; `usage` if there are several.
 */
export async function resolveImage(
  store: ImageStore,
  selector: ImageSelector = {},
): Promise<ResolvedImage> {
  const { tag, platform } = selector;
  const entries = entriesOfTag(store, await store.index(), tag);
  const candidates = await collect(store, entries);
  const where = tag === undefined ? store.place : `"${tag}" of ${store.place}`;
  if (candidates.length === 0) {
    throw new MiseOciError("not-found", `Cannot find an image in ${where}: it holds none`);
  }
  const { best, all } = platform === undefined
    ? { best: candidates, all: candidates }
    : await bestFor(store, candidates, platform);
  const [first, second] = best;
  if (first === undefined) {
    const wanted = platform === undefined ? "any platform" : formatPlatform(platform);
    throw new MiseOciError(
      "not-found",
      `Cannot find an image for ${wanted} in ${where}: it holds ${listing(all)}`,
      { hint: "Name a platform that it holds with --platform, or choose another image" },
    );
  }
  if (second !== undefined) {
    throw new MiseOciError(
      "usage",
      `Cannot choose an image of ${where}: it holds ${listing(best)}`,
      {
        hint: tag === undefined
          ? "Name one by its tag (oci:DIR:TAG) or its platform"
          : "Name a platform",
      },
    );
  }
  return await read(store, first);
}
