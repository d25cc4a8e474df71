/**
 * Archives of images as streams: `oci-archive` (a tar of a layout) and `docker-archive` (what
 * `docker load` takes). The same image gives the same bytes.
 * @module
 */
import { dirname } from "@std/path";
import {
  Annotation,
  type Descriptor,
  type Digest,
  digestHex,
  encodeIndex,
  encodeJson,
  encodeLayoutFile,
  INDEX_FILE,
  LAYOUT_FILE,
} from "../oci/mod.ts";
import { realDisk } from "./disk.ts";
import { type ImageStore, type ResolvedImage, resolveImage } from "./image_source.ts";
import { reachable } from "./reachable.ts";
import { TAR_END, tarHeader, tarPadding } from "./tar_writer.ts";
import { TempFile } from "./temp_file.ts";
import type { BlobSource } from "./ports.ts";

/** An absolute path, whose file appears when it is whole, or a stream, which is closed at the end. */
export type ArchiveTarget = string | WritableStream<Uint8Array<ArrayBuffer>>;

/** What goes into an archive of a layout. */
export interface ArchiveSelection {
  /** Only the image of this tag; with no other option, with all its platforms. */
  readonly tag?: string;
  /** Only the image of this descriptor of the index. */
  readonly entry?: Descriptor;
  /** The name it gets in the archive. Default: the one it has. */
  readonly refName?: string;
  /** Blobs that are left out: the reader has them. */
  readonly without?: ReadonlySet<Digest>;
}

/** A place in an archive that is being written. */
interface Sink {
  write(chunk: Uint8Array<ArrayBuffer>): Promise<void>;
}

async function intoFile(path: string, produce: (sink: Sink) => Promise<void>): Promise<void> {
  const file = await TempFile.create(dirname(path));
  try {
    await produce(file);
    await file.commit(path);
  } catch (error) {
    await file.abort();
    throw error;
  }
  await realDisk.syncDirectory(dirname(path));
}

async function intoStream(
  stream: WritableStream<Uint8Array<ArrayBuffer>>,
  produce: (sink: Sink) => Promise<void>,
): Promise<void> {
  const writer = stream.getWriter();
  try {
    // Each write waits for the one before it, so a slow reader holds up the reading of blobs.
    await produce({ write: (chunk) => writer.write(chunk) });
    await writer.close();
  } catch (error) {
    await writer.abort(error).catch(() => {});
    throw error;
  }
}

/** Writes to a file or stream, ending with the archive's end. */
async function archive(
  target: ArchiveTarget,
  produce: (sink: Sink) => Promise<void>,
): Promise<void> {
  const whole = async (sink: Sink): Promise<void> => {
    await produce(sink);
    await sink.write(TAR_END);
  };
  await (typeof target === "string" ? intoFile(target, whole) : intoStream(target, whole));
}

async function writeDirectory(sink: Sink, name: string): Promise<void> {
  await sink.write(tarHeader({ name: `${name}/`, size: 0 }));
}

async function writeBytes(sink: Sink, name: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  await sink.write(tarHeader({ name, size: bytes.length }));
  await sink.write(bytes);
  const padding = tarPadding(bytes.length);
  if (padding.length > 0) await sink.write(padding);
}

async function writeBlob(sink: Sink, name: string, blob: BlobOf): Promise<void> {
  const { source, digest, size } = blob;
  // Opened first: a missing blob fails before its header, a wrong one within the stream.
  const stream = await source.open(digest);
  await sink.write(tarHeader({ name, size }));
  for await (const chunk of stream) await sink.write(chunk);
  const padding = tarPadding(size);
  if (padding.length > 0) await sink.write(padding);
}

interface BlobOf {
  readonly source: BlobSource;
  readonly digest: Digest;
  readonly size: number;
}

async function selectEntries(
  store: ImageStore,
  selection: ArchiveSelection,
): Promise<readonly Descriptor[]> {
  const { tag, entry, refName } = selection;
  const all = (await store.index()).manifests;
  const chosen = entry !== undefined
    ? [entry]
    : tag === undefined
    ? all
    : all.filter((one) => one.annotations?.[Annotation.refName] === tag);
  // Says which tags there are.
  if (chosen.length === 0) await resolveImage(store, tag === undefined ? {} : { tag });
  if (refName === undefined) return chosen;
  return chosen.map((one) => ({
    ...one,
    annotations: { ...one.annotations, [Annotation.refName]: refName },
  }));
}

/**
 * Writes a tar of a layout, or of some images of it, that podman, skopeo and buildah read as
 * `oci-archive:`.
 *
 * @throws {MiseOciError} `not-found` or `integrity` if a blob is missing or damaged; a file is not made then.
 */
export async function writeOciArchive(
  layout: ImageStore,
  target: ArchiveTarget,
  selection: ArchiveSelection = {},
): Promise<void> {
  const manifests = await selectEntries(layout, selection);
  const blobs = await reachable(layout, manifests);
  await archive(target, async (sink) => {
    await writeBytes(sink, LAYOUT_FILE, encodeLayoutFile());
    await writeBytes(sink, INDEX_FILE, encodeIndex({ manifests }));
    await writeDirectory(sink, "blobs");
    await writeDirectory(sink, "blobs/sha256");
    for (const [digest, size] of blobs) {
      if (selection.without?.has(digest) === true) continue;
      await writeBlob(sink, `blobs/sha256/${digestHex(digest)}`, { source: layout, digest, size });
    }
  });
}

/**
 * Writes what `docker load` takes: `manifest.json`, the config and the layers as they are (docker
 * recognises compressed ones).
 *
 * @param options.repoTags names the image gets, `name:tag` each.
 * @throws {MiseOciError} as {@linkcode writeOciArchive}.
 */
export async function writeDockerArchive(
  image: ResolvedImage,
  target: ArchiveTarget,
  options: { readonly repoTags?: readonly string[] } = {},
): Promise<void> {
  const { manifest, configBytes, source } = image;
  const config = `${digestHex(manifest.config.digest)}.json`;
  const layers = new Map(manifest.layers.map(({ digest, size }) => [digest, size]));
  const layerName = (digest: Digest): string => `${digestHex(digest)}.tar`;
  await archive(target, async (sink) => {
    await writeBytes(
      sink,
      "manifest.json",
      encodeJson([{
        Config: config,
        RepoTags: options.repoTags ?? [],
        Layers: manifest.layers.map(({ digest }) => layerName(digest)),
      }]),
    );
    await writeBytes(sink, config, configBytes);
    for (const [digest, size] of layers) {
      await writeBlob(sink, layerName(digest), { source, digest, size });
    }
  });
}
