/**
 * Adds one platform's image to an index (image-spec, image-index.md). No I/O: the same input gives the same
 * bytes.
 * @module
 */
import { MiseOciError } from "../errors.ts";
import {
  asArray,
  asObject,
  type Descriptor,
  descriptorToJson,
  type Digest,
  encodeJson,
  formatPlatform,
  type JsonObject,
  MAX_MANIFEST_BYTES,
  MediaType,
  normalizePlatform,
  parseDescriptor,
  parseJson,
  type Platform,
} from "../oci/mod.ts";

/** The entry of one platform's image. */
export type PlatformEntry = Descriptor & { readonly platform: Platform };

/** An entry that was read: its parsed form, and the original object with all fields. */
export interface IndexEntry {
  /** The parsed entry. */
  readonly descriptor: Descriptor;
  /** The JSON object; written back unchanged. */
  readonly raw: JsonObject;
}

/** An index that is being changed. */
export interface EditableIndex {
  /** The index without its entries, as it was read. */
  readonly raw: JsonObject;
  /** The entries. */
  readonly entries: readonly IndexEntry[];
}

/** An empty index. */
export const EMPTY_INDEX: EditableIndex = { raw: {}, entries: [] };

/** Parses a body that `parseManifest` has identified as an index. @throws {MiseOciError} `invalid`. */
export function readIndex(body: Uint8Array, what: string): EditableIndex {
  const { manifests, ...raw } = asObject(parseJson(body, { what }), what);
  const entries = asArray(manifests, `${what}.manifests`).map((entry, i) => ({
    descriptor: parseDescriptor(entry, `${what}.manifests[${i}]`),
    raw: asObject(entry, `${what}.manifests[${i}]`),
  }));
  return { raw, entries };
}

/** Creates an entry. */
export function newEntry(descriptor: PlatformEntry): IndexEntry {
  return { descriptor, raw: descriptorToJson(descriptor) };
}

/** A key that is equal for entries of the same platform; `undefined` if the entry has no platform. */
function maybePlatformKey(descriptor: Descriptor): string | undefined {
  const { platform } = descriptor;
  if (platform === undefined || platform.os === "unknown") return undefined;
  const { "os.version": version, "os.features": features = [] } = normalizePlatform(platform);
  return [formatPlatform(platform), version ?? "", ...features].join(" ");
}

/** Platforms in alphabetical order, entries without one last, then by digest. */
function compareEntries(a: IndexEntry, b: IndexEntry): number {
  const key = ({ descriptor }: IndexEntry): string =>
    `${maybePlatformKey(descriptor) ?? "~"} ${descriptor.digest}`;
  const [x, y] = [key(a), key(b)];
  return x < y ? -1 : x > y ? 1 : 0;
}

/** BuildKit's annotation of an attestation in an index: the digest of its image. */
const ABOUT = "vnd.docker.reference.digest";

/**
 * The index with `entry`, which replaces the entry for the same platform. All other entries are kept, except
 * those that belong to the replaced image. Entries are sorted.
 */
export function putEntry(index: EditableIndex, entry: IndexEntry): EditableIndex {
  const platform = maybePlatformKey(entry.descriptor);
  const isReplaced = ({ descriptor }: IndexEntry): boolean =>
    descriptor.digest !== entry.descriptor.digest && platform !== undefined &&
    maybePlatformKey(descriptor) === platform;
  const replaced = new Set<string>(
    index.entries.filter(isReplaced).map(({ descriptor }) => descriptor.digest),
  );
  const others = index.entries.filter((one) =>
    one.descriptor.digest !== entry.descriptor.digest && !isReplaced(one) &&
    !replaced.has(one.descriptor.annotations?.[ABOUT] ?? "")
  );
  return { raw: index.raw, entries: [...others, entry].sort(compareEntries) };
}

/** Input of {@linkcode lostEntries}. */
export interface LostEntriesQuery {
  /** The index that was written. */
  readonly written: EditableIndex;
  /** The current entries in the registry. */
  readonly found: EditableIndex;
  /** Digests that the written entries replaced. */
  readonly replaced: ReadonlySet<Digest>;
}

/**
 * The written entries that another push has dropped. An entry is not lost if its platform has an image that
 * was never seen before: then a newer one was pushed.
 */
export function lostEntries(query: LostEntriesQuery): readonly IndexEntry[] {
  const digests = new Set(query.found.entries.map(({ descriptor }) => descriptor.digest));
  const newer = new Set(
    query.found.entries
      .filter(({ descriptor }) => !query.replaced.has(descriptor.digest))
      .map(({ descriptor }) => maybePlatformKey(descriptor)),
  );
  return query.written.entries.filter(({ descriptor }) => {
    const platform = maybePlatformKey(descriptor);
    return !digests.has(descriptor.digest) && (platform === undefined || !newer.has(platform));
  });
}

/**
 * The bytes of an index, always of the OCI media type. @throws {MiseOciError} `unsupported` if it is too
 * long for registries.
 */
export function encodeEditableIndex(index: EditableIndex): Uint8Array<ArrayBuffer> {
  const { schemaVersion: _, mediaType: __, artifactType, subject, annotations, ...rest } =
    index.raw;
  const bytes = encodeJson({
    schemaVersion: 2,
    mediaType: MediaType.index,
    artifactType,
    manifests: index.entries.map(({ raw }) => raw),
    subject,
    annotations,
    ...rest,
  });
  if (bytes.length > MAX_MANIFEST_BYTES) {
    throw new MiseOciError(
      "unsupported",
      `Cannot write an index of ${index.entries.length} entries: longer than 4 MiB`,
    );
  }
  return bytes;
}
