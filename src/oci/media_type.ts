/**
 * Media types (image-spec, media-types.md; Docker's "Image Manifest Version 2, Schema 2").
 * @module
 */

/** The media types that this library writes or understands. */
export const MediaType = {
  /** OCI image manifest. */
  manifest: "application/vnd.oci.image.manifest.v1+json",
  /** OCI image index. */
  index: "application/vnd.oci.image.index.v1+json",
  /** OCI image config. */
  config: "application/vnd.oci.image.config.v1+json",
  /** Layer, plain tar. */
  layer: "application/vnd.oci.image.layer.v1.tar",
  /** Layer, tar compressed with gzip. */
  layerGzip: "application/vnd.oci.image.layer.v1.tar+gzip",
  /** Layer, tar compressed with zstd. */
  layerZstd: "application/vnd.oci.image.layer.v1.tar+zstd",
  /** The empty JSON object, `{}`. */
  empty: "application/vnd.oci.empty.v1+json",
  /** Docker schema 2 manifest. */
  dockerManifest: "application/vnd.docker.distribution.manifest.v2+json",
  /** Docker manifest list. */
  dockerManifestList: "application/vnd.docker.distribution.manifest.list.v2+json",
  /** Docker image config. */
  dockerConfig: "application/vnd.docker.container.image.v1+json",
  /** Docker layer, gzip. */
  dockerLayerGzip: "application/vnd.docker.image.rootfs.diff.tar.gzip",
  /** Docker layer, zstd. */
  dockerLayerZstd: "application/vnd.docker.image.rootfs.diff.tar.zstd",
  /** Docker layer, plain tar. */
  dockerLayer: "application/vnd.docker.image.rootfs.diff.tar",
  /** Docker layer that is fetched from elsewhere. */
  dockerForeignLayer: "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
  /** Docker schema 1, which is refused. */
  dockerSchema1: "application/vnd.docker.distribution.manifest.v1+json",
  /** Docker schema 1, signed, which is refused. */
  dockerSchema1Signed: "application/vnd.docker.distribution.manifest.v1+prettyjws",
} as const;

/** How the tar of a layer is compressed. */
export type Compression = "gzip" | "zstd" | "none";

/** The kinds of manifest bodies. */
export type ManifestKind = "manifest" | "index" | "schema1";

const KINDS: ReadonlyMap<string, ManifestKind> = new Map([
  [MediaType.manifest, "manifest"],
  [MediaType.dockerManifest, "manifest"],
  [MediaType.index, "index"],
  [MediaType.dockerManifestList, "index"],
  [MediaType.dockerSchema1, "schema1"],
  [MediaType.dockerSchema1Signed, "schema1"],
]);

const TO_OCI: ReadonlyMap<string, string> = new Map([
  [MediaType.dockerManifest, MediaType.manifest],
  [MediaType.dockerManifestList, MediaType.index],
  [MediaType.dockerConfig, MediaType.config],
  [MediaType.dockerLayer, MediaType.layer],
  [MediaType.dockerLayerGzip, MediaType.layerGzip],
  [MediaType.dockerLayerZstd, MediaType.layerZstd],
]);

/** The value of an `Accept` header for manifests: every kind this library reads, OCI first. */
export const MANIFEST_ACCEPT: string = [
  MediaType.index,
  MediaType.manifest,
  MediaType.dockerManifestList,
  MediaType.dockerManifest,
].join(", ");

/** The essence of a media type: lower case, without parameters such as `; charset=utf-8`. */
export function essence(mediaType: string): string {
  return (mediaType.split(";", 1)[0] ?? "").trim().toLowerCase();
}

/** The kind of manifest that a media type names; `undefined` for anything else. */
export function maybeManifestKind(mediaType: string | undefined): ManifestKind | undefined {
  return mediaType === undefined ? undefined : KINDS.get(essence(mediaType));
}

/** The OCI media type for a Docker one; others are returned unchanged. */
export function toOciMediaType(mediaType: string): string {
  return TO_OCI.get(essence(mediaType)) ?? mediaType;
}

/** The compression that a layer's media type states; `undefined` if it is not a layer's. */
export function maybeLayerCompression(mediaType: string): Compression | undefined {
  switch (toOciMediaType(mediaType)) {
    case MediaType.layer:
      return "none";
    case MediaType.layerGzip:
      return "gzip";
    case MediaType.layerZstd:
      return "zstd";
    default:
      return isForeignLayer(mediaType) ? (/\+zstd$/.test(mediaType) ? "zstd" : "gzip") : undefined;
  }
}

/** The OCI media type of a layer with the given compression. */
export function layerMediaType(compression: Compression): string {
  return { gzip: MediaType.layerGzip, zstd: MediaType.layerZstd, none: MediaType.layer }[
    compression
  ];
}

/** Whether a layer's media type is non-distributable (deprecated by image-spec 1.1). */
export function isForeignLayer(mediaType: string): boolean {
  const type = essence(mediaType);
  return type === MediaType.dockerForeignLayer ||
    type.startsWith("application/vnd.oci.image.layer.nondistributable.");
}
