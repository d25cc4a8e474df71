/**
 * The images of one build: a single one, or one for each platform with their index.
 * @module
 */
import {
  type Descriptor,
  encodeIndex,
  formatPlatform,
  MediaType,
  type Platform,
} from "../oci/mod.ts";
import { makeDocument } from "./compose_image.ts";
import type { BuildResult, ComposedImage, Document } from "./types.ts";

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
