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
import { type Cache, checkWritable, nameEntry } from "../../store/mod.ts";
import type { BuildPlan } from "../../plan/mod.ts";
import { dirname } from "@std/path";
import { engineName } from "../../engine/port.ts";
import { type ImageSet, setDocuments, setEntry, setLayers } from "./compose_image.ts";
import { withDocuments } from "../../store/image_store.ts";
import type { ArchiveRequest, ComposedImage } from "../types.ts";
import { MissingBlobError } from "./write_layout.ts";

/** The path that means standard output. */
const STDOUT = "-";

/** What is at a path; links are followed. */
async function maybeStat(path: string): Promise<Deno.FileInfo | undefined> {
  try {
    return await Deno.stat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

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
  if (path === STDOUT) return;
  const fail = (why: string): MiseOciError =>
    new MiseOciError("io", `Cannot write archive "${path}": ${why}`, {
      hint: "Give the path of a file in a directory that exists with --output-archive",
    });
  const there = await maybeStat(path);
  if (there?.isDirectory) throw fail("it is a directory");
  // It would be replaced, not written to.
  if (there !== undefined && !there.isFile) throw fail("it is a pipe, a socket or a device");
  const parent = dirname(path);
  if (!(await maybeStat(parent))?.isDirectory) throw fail(`there is no directory "${parent}"`);
  await checkWritable(parent);
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
  const target = path === STDOUT ? Deno.stdout.writable : path;
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
    return await writeDockerArchive(image, target, { repoTags });
  }
  const manifests = [nameEntry(setEntry(set), tag)];
  const store = {
    ...source,
    place: "the image just built",
    index: () => Promise.resolve({ manifests }),
  };
  await writeOciArchive(store, target);
}
