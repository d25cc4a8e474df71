/**
 * Writes composed images into an archive file, which appears only when it is complete.
 * @module
 */
import { MiseOciError } from "../../errors.ts";
import { parseManifest } from "../../oci/mod.ts";
import {
  writeDockerArchive,
  writeOciArchive,
  zstdInDockerArchive,
} from "../../image/write_archive.ts";
import { type Cache, checkOutputFile, nameEntry } from "../../store/mod.ts";
import type { BuildPlan } from "../../plan/mod.ts";
import { engineName } from "../../engine/port.ts";
import { type ImageSet, setDocuments, setEntry, setLayers } from "./compose_image.ts";
import { withDocuments } from "../../store/image_store.ts";
import type { ArchiveRequest, ComposedImage } from "../types.ts";
import { MissingBlobError } from "./write_layout.ts";

/**
 * Reports errors before a build that would otherwise occur after it.
 *
 * @throws {MiseOciError} `io`; `usage` for several images in a format for one.
 */
export async function checkArchiveTarget(
  { path, format }: ArchiveRequest,
  images = 1,
): Promise<void> {
  if (format === "docker-archive" && images > 1) throw severalImages(path);
  await checkOutputFile(path);
}

/** @throws {MiseOciError} `unsupported` for zstd layers, which docker before 23 cannot load. */
export function checkArchiveCompression(
  { path }: ArchiveRequest,
  plans: readonly Pick<BuildPlan, "compression">[],
): void {
  if (plans.some(({ compression }) => compression.kind === "zstd")) {
    throw zstdInDockerArchive(JSON.stringify(path));
  }
}

function onlyImage({ images }: ImageSet, path: string): ComposedImage {
  const [image, ...others] = images;
  if (image !== undefined && others.length === 0) return image;
  throw severalImages(path);
}

function severalImages(path: string): MiseOciError {
  return new MiseOciError(
    "usage",
    `Cannot write archive "${path}": a docker-archive holds one image`,
    { hint: "Name one --platform, or choose --format oci-archive" },
  );
}

/**
 * Writes the archive.
 *
 * @throws {MissingBlobError} if a blob has disappeared from the cache; no file is written then.
 * @throws {MiseOciError} `io` if it cannot be written, `integrity` if a blob is damaged, `usage` for
 * several images in a format for one.
 */
export async function writeArchive(
  set: ImageSet,
  options: { readonly archive: ArchiveRequest; readonly tag?: string; readonly cache: Cache },
): Promise<void> {
  const { archive: { path, format }, tag, cache } = options;
  for (const layer of setLayers(set)) {
    if (await cache.size(layer.digest) !== layer.size) throw new MissingBlobError(layer);
  }
  const source = withDocuments(
    cache,
    new Map(setDocuments(set).map(({ descriptor, bytes }) => [descriptor.digest, bytes])),
  );
  if (format === "docker-archive") {
    const { manifest, config } = onlyImage(set, path);
    const parsed = parseManifest(manifest.bytes, { what: "the manifest just composed" });
    if (parsed.kind !== "manifest") throw new TypeError("The manifest just composed is an index");
    const { digest } = manifest.descriptor;
    const repoTags = tag === undefined ? [] : [engineName(tag, digest)];
    const image = { manifest: parsed.manifest, configBytes: config.bytes, source };
    return await writeDockerArchive(image, path, { repoTags });
  }
  const manifests = [nameEntry(setEntry(set), tag)];
  const store = {
    ...source,
    place: "the image just built",
    index: () => Promise.resolve({ manifests }),
  };
  await writeOciArchive(store, path);
}
