/**
 * Descriptors (image-spec, descriptor.md).
 * @module
 */
import { type Digest, parseDigest } from "./digest.ts";
import {
  asObject,
  asSize,
  asString,
  asStringMap,
  asStrings,
  type JsonObject,
  maybe,
  unknownFields,
} from "./json.ts";
import { parsePlatformObject, type Platform } from "./platform.ts";

/** A reference to a blob or manifest: its media type, digest and size. */
export interface Descriptor {
  /** Media type of the content. */
  readonly mediaType: string;
  /** Digest of the content. */
  readonly digest: Digest;
  /** Length of the content in bytes. */
  readonly size: number;
  /** Other URLs of the content; never used by mise-oci. */
  readonly urls?: readonly string[];
  /** Free-form key-value pairs. */
  readonly annotations?: Readonly<Record<string, string>>;
  /** Platform of the image; in an index only. */
  readonly platform?: Platform;
  /** Type of an artifact; in an index only. */
  readonly artifactType?: string;
  /** Unknown fields, kept unchanged. */
  readonly extensions?: JsonObject;
}

const KNOWN = [
  "mediaType",
  "digest",
  "size",
  "urls",
  "annotations",
  "platform",
  "artifactType",
];

/** An empty platform (`{}`, or empty texts, as some writers produce) is treated as absent. */
function maybePlatform(value: unknown, what: string): Platform | undefined {
  if (typeof value !== "object" || value === null) return maybe(value, what, parsePlatformObject);
  const { os, architecture } = value as { os?: unknown; architecture?: unknown };
  const isUnset = [os, architecture].some((name) => name === undefined || name === "");
  return isUnset ? undefined : parsePlatformObject(value, what);
}

/** Parses a descriptor. @throws {MiseOciError} `invalid` naming the field, `unsupported` for a digest that is not sha256. */
export function parseDescriptor(value: unknown, what: string): Descriptor {
  const object = asObject(value, what);
  const urls = maybe(object["urls"], `${what}.urls`, asStrings);
  const annotations = maybe(object["annotations"], `${what}.annotations`, asStringMap);
  const platform = maybePlatform(object["platform"], `${what}.platform`);
  const artifactType = maybe(object["artifactType"], `${what}.artifactType`, asString);
  // An empty platform is written back unchanged.
  const known = platform === undefined ? KNOWN.filter((name) => name !== "platform") : KNOWN;
  const extensions = unknownFields(object, known);
  return {
    mediaType: asString(object["mediaType"], `${what}.mediaType`),
    digest: parseDigest(object["digest"], `digest of ${what}`),
    size: asSize(object["size"], `${what}.size`),
    ...(urls === undefined ? {} : { urls }),
    ...(annotations === undefined ? {} : { annotations }),
    ...(platform === undefined ? {} : { platform }),
    ...(artifactType === undefined ? {} : { artifactType }),
    ...(Object.keys(extensions).length === 0 ? {} : { extensions }),
  };
}

/** The JSON object of a descriptor, fields in the specification's order, annotations sorted by key. */
export function descriptorToJson(descriptor: Descriptor): JsonObject {
  const { mediaType, digest, size, urls, annotations, platform, artifactType, extensions } =
    descriptor;
  return {
    mediaType,
    digest,
    size,
    ...(urls === undefined ? {} : { urls }),
    ...(annotations === undefined ? {} : { annotations: sortKeys(annotations) }),
    ...(platform === undefined ? {} : { platform }),
    ...(artifactType === undefined ? {} : { artifactType }),
    ...extensions,
  };
}

/** A copy of a string map with its keys in code-unit order. */
export function sortKeys(map: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(map).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)),
  );
}
