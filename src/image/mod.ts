/**
 * Images in a layout, an archive, a repository of a registry, or the cache.
 *
 * An {@linkcode ImageStore} holds blobs, and an index that lists the images among them. {@linkcode
 * resolveImage} finds the requested {@linkcode Image}; {@linkcode mayBeImage} and {@linkcode whyNoImage}
 * decide what is an image.
 *
 * @example
 * ```ts
 * import { parsePlatform, parseReference } from "../oci/mod.ts";
 * import { createRegistryClient } from "../registry/mod.ts";
 * import { RegistryImages, resolveImage } from "./mod.ts";
 *
 * async function digestOf(name: string): Promise<string> {
 *   const reference = parseReference(name);
 *   const client = createRegistryClient({ registry: reference.registry, insecure: false });
 *   try {
 *     const images = new RegistryImages(client, { reference });
 *     const platform = parsePlatform("linux/arm64");
 *     return (await resolveImage(images, { platform })).descriptor.digest;
 *   } finally {
 *     client.close();
 *   }
 * }
 * ```
 * @module
 */
export { type Archive, checkArchiveFile, openArchive, type OpenArchiveOptions } from "./archive.ts";
export { mayBeImage, whyNoImage } from "./search.ts";
export { RegistryImages, type RegistryImagesOptions } from "./registry_images.ts";
export {
  listImages,
  listPlatforms,
  type PlatformImage,
  resolveImage,
  resolveRoot,
} from "./resolve.ts";
export {
  findReusableLayers,
  type ReusableLayer,
  type ReuseOptions,
  type ReuseResult,
  type WantedLayer,
} from "./reuse.ts";
export type { Image, ImageSelector, ResolvedImage, ResolveOptions } from "./types.ts";
export {
  type ArchiveSelection,
  type ArchiveTarget,
  type DockerArchiveOptions,
  writeDockerArchive,
  writeOciArchive,
} from "./write_archive.ts";
export type { ImageStore } from "../store/image_store.ts";
