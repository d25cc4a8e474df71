/**
 * Composes config and manifest of an image, and the index of several.
 * @module
 */
import { MiseOciError } from "../../errors.ts";
import {
  Annotation,
  type Descriptor,
  digestOf,
  encodeImageConfig,
  encodeIndex,
  encodeManifest,
  formatPlatform,
  type ImageConfig,
  MediaType,
  type Platform,
} from "../../oci/mod.ts";
import { type BuildPlan, composeImageConfig, settingsLikeBase } from "../../plan/mod.ts";
import type { BaseImage } from "../base/base_image.ts";
import type { BuildResult, ComposedImage, Document, LayerRow, MadeLayer } from "../types.ts";

/** Images that share a name in a layout, an archive or a registry. */
export interface ImageSet {
  /** The images, by platform. */
  readonly images: readonly ComposedImage[];
  /** The index, if there are several. */
  readonly index?: Document;
}

/** The distinct platforms, in the order of an index. */
export function sortPlatforms(platforms: readonly Platform[]): readonly Platform[] {
  const byName = new Map(platforms.map((platform) => [formatPlatform(platform), platform]));
  return [...byName].sort(([a], [b]) => a < b ? -1 : a > b ? 1 : 0).map(([, platform]) => platform);
}

/** Combines images. The same images give the same index. */
export async function composeSet(images: readonly ComposedImage[]): Promise<ImageSet> {
  if (images.length === 1) return { images };
  const manifests = images.map(({ manifest, platform }) => ({ ...manifest.descriptor, platform }));
  const annotations = Object.assign({}, ...images.map((image) => image.annotations));
  const index = encodeIndex({
    manifests,
    ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
  });
  return { images, index: await makeDocument(MediaType.index, index) };
}

/** The descriptor of the set in an index: the index itself, or its only image with its platform. */
export function setEntry({ images, index }: ImageSet): Descriptor {
  if (index !== undefined) return index.descriptor;
  const [image] = images;
  if (image === undefined) throw new TypeError("A set without an image");
  return { ...image.manifest.descriptor, platform: image.platform };
}

/** The build result for the set. */
export function describeSet(
  set: ImageSet,
): Pick<BuildResult, "digest" | "platform" | "layers" | "images"> {
  const images = set.images.map(({ platform, manifest, rows }) => ({
    platform,
    digest: manifest.descriptor.digest,
    layers: rows,
  }));
  const [first] = images;
  if (first === undefined) throw new TypeError("A set without an image");
  const { platform, layers } = first;
  const { digest } = setEntry(set);
  return { digest, platform, layers, ...(set.index === undefined ? {} : { images }) };
}

/** Every document of the set. */
export function setDocuments({ images, index }: ImageSet): readonly Document[] {
  const documents = images.flatMap(({ config, manifest }) => [config, manifest]);
  return index === undefined ? documents : [...documents, index];
}

/** The distinct layers of the set. */
export function setLayers({ images }: ImageSet): readonly Descriptor[] {
  const layers = images.flatMap((image) => image.layers);
  return [...new Map(layers.map((layer) => [layer.digest, layer])).values()];
}

/** Creates a document from its bytes. */
async function makeDocument(
  mediaType: string,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<Document> {
  const digest = await digestOf(bytes);
  return { descriptor: { mediaType, digest, size: bytes.length }, bytes };
}

function manifestAnnotations(base: BaseImage, plan: BuildPlan): Record<string, string> {
  const own = settingsLikeBase(base.config?.config, plan.config);
  return {
    ...(own.length === 0 ? {} : { [Annotation.ownSettings]: JSON.stringify(own) }),
    ...(base.reference === undefined ? {} : { [Annotation.baseName]: base.reference }),
    ...(base.digest === undefined ? {} : { [Annotation.baseDigest]: base.digest }),
    ...plan.config.annotations,
  };
}

function rows(base: BaseImage, layers: readonly MadeLayer[]): readonly LayerRow[] {
  const ofBase = base.layers.map(({ descriptor: { digest, size } }): LayerRow => ({
    kind: "base",
    name: base.name,
    digest,
    size,
    status: "base",
  }));
  const made = layers.map(({ plan, descriptor, status, reusedFrom }): LayerRow => ({
    kind: plan.kind,
    name: plan.name,
    ...(plan.version === undefined ? {} : { version: plan.version }),
    digest: descriptor.digest,
    size: descriptor.size,
    status,
    ...(reusedFrom === undefined ? {} : { reusedFrom }),
  }));
  return [...ofBase, ...made];
}

function platformOf({ os, architecture, variant }: ImageConfig): Platform {
  return { architecture, os, ...(variant === undefined ? {} : { variant }) };
}

/** Composes the image. The same input gives the same bytes. */
export async function composeImage(
  plan: BuildPlan,
  base: BaseImage,
  layers: readonly MadeLayer[],
): Promise<ComposedImage> {
  const config = composeImageConfig({
    ...(base.config === undefined ? {} : { base: base.config }),
    baseName: base.name,
    config: plan.config,
    layers: layers.map(({ diffId, plan: { createdBy } }) => ({ diffId, createdBy })),
    platform: plan.platform,
  });
  const descriptors = [...base.layers, ...layers].map(({ descriptor }) => descriptor);
  if (config.diffIds.length !== descriptors.length) {
    throw new MiseOciError(
      "invalid",
      `Cannot write the image: ${descriptors.length} layers and ${config.diffIds.length} diff IDs`,
    );
  }
  const configDocument = await makeDocument(MediaType.config, encodeImageConfig(config));
  const annotations = manifestAnnotations(base, plan);
  const manifest = await makeDocument(
    MediaType.manifest,
    encodeManifest({
      config: configDocument.descriptor,
      layers: descriptors,
      ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
    }),
  );
  return {
    manifest,
    config: configDocument,
    imageConfig: config,
    ...(plan.config.annotations === undefined ? {} : { annotations: plan.config.annotations }),
    layers: descriptors,
    platform: platformOf(config),
    rows: rows(base, layers),
  };
}
