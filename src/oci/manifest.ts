/**
 * Image manifests and indexes (image-spec, manifest.md and image-index.md).
 * @module
 */
import { MiseOciError } from "../errors.ts";
import { type Descriptor, descriptorToJson, parseDescriptor, sortKeys } from "./descriptor.ts";
import {
  asArray,
  asObject,
  asString,
  asStringMap,
  encodeJson,
  type JsonObject,
  maybe,
  parseJson,
  unknownFields,
} from "./json.ts";
import { essence, type ManifestKind, maybeManifestKind, MediaType } from "./media_type.ts";

/** An image manifest: one config and its layers, bottom first. */
export interface Manifest {
  /** Media type; always written, may be absent in what others wrote. */
  readonly mediaType?: string;
  /** Type of an artifact that is not an image. */
  readonly artifactType?: string;
  /** The image config. */
  readonly config: Descriptor;
  /** The layers, bottom first. */
  readonly layers: readonly Descriptor[];
  /** The manifest that this one refers to. */
  readonly subject?: Descriptor;
  /** Free-form key-value pairs. */
  readonly annotations?: Readonly<Record<string, string>>;
  /** Fields not known here, kept as they are. */
  readonly extensions?: JsonObject;
}

/** An image index: one entry for each platform (or other thing) under one name. */
export interface Index {
  /** Media type; always written, may be absent in what others wrote. */
  readonly mediaType?: string;
  /** Type of an artifact that is not an image. */
  readonly artifactType?: string;
  /** The entries. */
  readonly manifests: readonly Descriptor[];
  /** The manifest that this one refers to. */
  readonly subject?: Descriptor;
  /** Free-form key-value pairs. */
  readonly annotations?: Readonly<Record<string, string>>;
  /** Fields not known here, kept as they are. */
  readonly extensions?: JsonObject;
}

/** A parsed manifest body: one of the two. */
export type ManifestOrIndex =
  | { readonly kind: "manifest"; readonly manifest: Manifest }
  | { readonly kind: "index"; readonly index: Index };

/** Information about a manifest body besides its bytes. */
export interface ParseManifestOptions {
  /** Description of the body for messages: `manifest of "debian:12"`. */
  readonly what: string;
  /** The `Content-Type` that the registry sent with it. */
  readonly contentType?: string;
  /** The media type that the descriptor naming it states. */
  readonly expectedMediaType?: string;
}

const COMMON = ["schemaVersion", "mediaType", "artifactType", "subject", "annotations"];

function common(object: JsonObject, what: string): Omit<Manifest, "config" | "layers"> {
  const mediaType = maybe(object["mediaType"], `${what}.mediaType`, asString);
  const artifactType = maybe(object["artifactType"], `${what}.artifactType`, asString);
  const subject = maybe(object["subject"], `${what}.subject`, parseDescriptor);
  const annotations = maybe(object["annotations"], `${what}.annotations`, asStringMap);
  const extensions = unknownFields(object, [...COMMON, "config", "layers", "manifests"]);
  return {
    ...(mediaType === undefined ? {} : { mediaType }),
    ...(artifactType === undefined ? {} : { artifactType }),
    ...(subject === undefined ? {} : { subject }),
    ...(annotations === undefined ? {} : { annotations }),
    ...(Object.keys(extensions).length === 0 ? {} : { extensions }),
  };
}

function descriptors(value: unknown, what: string): readonly Descriptor[] {
  return asArray(value, what).map((item, i) => parseDescriptor(item, `${what}[${i}]`));
}

function refuseSchema1(what: string): never {
  throw new MiseOciError("unsupported", `Cannot use ${what}: Docker schema 1 is not supported`, {
    hint: "Push the image again with a current docker, podman or skopeo",
  });
}

function ambiguous(what: string, why: string): never {
  throw new MiseOciError("invalid", `Cannot parse ${what}: ambiguous, ${why}`, {
    hint:
      "The registry sends something that different clients would read differently; do not use it",
  });
}

/** The kind by structure; a body that could be both is refused (CVE-2021-41190). */
function kindOfStructure(object: JsonObject, what: string): ManifestKind {
  const manifest = "config" in object || "layers" in object;
  const index = "manifests" in object;
  if (manifest && index) ambiguous(what, "it is both a manifest and an index");
  if (object["schemaVersion"] === 1 || "fsLayers" in object) return "schema1";
  if (manifest) return "manifest";
  if (index) return "index";
  throw new MiseOciError("invalid", `Cannot parse ${what}: neither an image manifest nor an index`);
}

/**
 * Parses the body of a manifest or index. Its kind follows from `mediaType` in the body, then from the
 * `Content-Type`, then from its structure (a missing `mediaType` is legal), and none of these may contradict
 * another (image-spec, "Guidance for implementations" after CVE-2021-41190).
 *
 * @throws {MiseOciError} `invalid` if the body is malformed or ambiguous, `unsupported` for schema 1.
 */
export function parseManifest(
  source: Uint8Array | string,
  options: ParseManifestOptions,
): ManifestOrIndex {
  const { what, contentType, expectedMediaType } = options;
  if (maybeManifestKind(contentType) === "schema1") refuseSchema1(what);
  const object = asObject(parseJson(source, { what }), what);
  const kind = kindOfStructure(object, what);
  const bodyType = maybe(object["mediaType"], `${what}.mediaType`, asString);
  if (kind === "schema1" || maybeManifestKind(bodyType) === "schema1") refuseSchema1(what);
  if (object["schemaVersion"] !== 2) {
    throw new MiseOciError("invalid", `Cannot parse ${what}: schemaVersion 2 expected`);
  }
  const stated: readonly [string, string | undefined][] = [
    ["mediaType", bodyType],
    ["Content-Type", contentType],
    ["descriptor", expectedMediaType],
  ];
  for (const [where, type] of stated) {
    const says = maybeManifestKind(type);
    if (says !== undefined && says !== kind) {
      ambiguous(what, `its ${where} says ${type} and its structure is that of an image ${kind}`);
    }
    if (where === "mediaType" && type !== undefined && says === undefined) {
      throw new MiseOciError("unsupported", `Cannot use ${what}: it is a ${type}, not an image`);
    }
  }
  const types = stated.filter(([, type]) => maybeManifestKind(type) !== undefined);
  const [first, ...others] = types.map(([, type]) => essence(type ?? ""));
  if (bodyType !== undefined && others.some((other) => other !== first)) {
    ambiguous(what, `its media types differ: ${types.map(([w, t]) => `${w} ${t}`).join(", ")}`);
  }
  return kind === "index"
    ? { kind, index: parseIndexObject(object, what) }
    : { kind: "manifest", manifest: parseManifestObject(object, what) };
}

function parseManifestObject(object: JsonObject, what: string): Manifest {
  return {
    ...common(object, what),
    config: parseDescriptor(object["config"], `${what}.config`),
    layers: descriptors(object["layers"], `${what}.layers`),
  };
}

function parseIndexObject(object: JsonObject, what: string): Index {
  return {
    ...common(object, what),
    manifests: descriptors(object["manifests"], `${what}.manifests`),
  };
}

/** The canonical bytes of an image manifest; `mediaType` is written as the OCI one unless given. */
export function encodeManifest(manifest: Manifest): Uint8Array<ArrayBuffer> {
  const { mediaType, artifactType, config, layers, subject, annotations, extensions } = manifest;
  return encodeJson({
    schemaVersion: 2,
    mediaType: mediaType ?? MediaType.manifest,
    artifactType,
    config: descriptorToJson(config),
    layers: layers.map(descriptorToJson),
    subject: subject === undefined ? undefined : descriptorToJson(subject),
    annotations: annotations === undefined ? undefined : sortKeys(annotations),
    ...extensions,
  });
}

/** The canonical bytes of an index; `mediaType` is written as the OCI one unless given. */
export function encodeIndex(index: Index): Uint8Array<ArrayBuffer> {
  const { mediaType, artifactType, manifests, subject, annotations, extensions } = index;
  return encodeJson({
    schemaVersion: 2,
    mediaType: mediaType ?? MediaType.index,
    artifactType,
    manifests: manifests.map(descriptorToJson),
    subject: subject === undefined ? undefined : descriptorToJson(subject),
    annotations: annotations === undefined ? undefined : sortKeys(annotations),
    ...extensions,
  });
}
