/**
 * One more layer on an image.
 * @module
 */
import type { Descriptor } from "./descriptor.ts";
import { type DiffId, parseDigest } from "./digest.ts";
import { encodeImageConfig, type HistoryEntry, type ImageConfig } from "./image_config.ts";
import { encodeManifest, type Manifest } from "./manifest.ts";
import { MediaType, toOciMediaType } from "./media_type.ts";
import { streamingSha256 } from "./sha256.ts";

/** An image's two documents, parsed. */
export interface ImageDocuments {
  /** The manifest. */
  readonly manifest: Manifest;
  /** The config. */
  readonly config: ImageConfig;
}

/** The layer to append. */
export interface AppendedLayer {
  /** The blob. */
  readonly descriptor: Descriptor;
  /** Digest of its uncompressed tar. */
  readonly diffId: DiffId;
  /** Its history entry. Default: one without details. */
  readonly history?: HistoryEntry;
}

/** A document as it is stored. */
export interface EncodedDocument {
  /** What names it. */
  readonly descriptor: Descriptor;
  /** Its canonical bytes. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** An image with its new documents. */
export interface AppendedImage {
  /** The new manifest. */
  readonly manifest: EncodedDocument;
  /** The new config. */
  readonly config: EncodedDocument;
  /** All layers, bottom first. */
  readonly layers: readonly Descriptor[];
}

/** A document with the descriptor that names it. */
export function encodedDocument(
  mediaType: string,
  bytes: Uint8Array<ArrayBuffer>,
): EncodedDocument {
  const digest = parseDigest(`sha256:${streamingSha256().update(bytes).digest("hex")}`);
  return { descriptor: { mediaType, digest, size: bytes.length }, bytes };
}

/**
 * The manifest and config of an image with one more layer on top; everything else is unchanged. Docker's
 * media types are replaced with OCI's.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { appendLayer, MediaType, parseDiffId, parseDigest } from "./mod.ts";
 *
 * const hex = "0".repeat(64);
 * const layer = { mediaType: MediaType.layer, digest: parseDigest(`sha256:${hex}`), size: 1024 };
 * const image = appendLayer(
 *   {
 *     manifest: { config: { ...layer, mediaType: MediaType.config }, layers: [] },
 *     config: { os: "linux", architecture: "amd64", diffIds: [] },
 *   },
 *   { descriptor: layer, diffId: parseDiffId(`sha256:${hex}`) },
 * );
 * assertEquals(image.layers, [layer]);
 * ```
 */
export function appendLayer(image: ImageDocuments, layer: AppendedLayer): AppendedImage {
  const { history = {} } = layer;
  const oldHistory = image.config.history ??
    image.config.diffIds.map((): HistoryEntry => ({}));
  const config = encodedDocument(
    MediaType.config,
    encodeImageConfig({
      ...image.config,
      diffIds: [...image.config.diffIds, layer.diffId],
      history: [...oldHistory, history],
    }),
  );
  const layers = [...image.manifest.layers, layer.descriptor].map((descriptor) => ({
    ...descriptor,
    mediaType: toOciMediaType(descriptor.mediaType),
  }));
  const manifest = encodedDocument(
    MediaType.manifest,
    encodeManifest({
      ...image.manifest,
      mediaType: MediaType.manifest,
      config: config.descriptor,
      layers,
    }),
  );
  return { manifest, config, layers };
}
