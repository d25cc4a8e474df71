/**
 * Archives of images as streams: `oci-archive` (a tar of a layout) and `docker-archive` (for `docker load`).
 * The same image gives the same bytes.
 * @module
 */
import { MiseOciError } from "../errors.ts";
import {
  type Descriptor,
  type Digest,
  digestHex,
  encodeIndex,
  encodeJson,
  encodeLayoutFile,
  INDEX_FILE,
  LAYOUT_FILE,
  maybeLayerCompression,
} from "../oci/mod.ts";
import { type ImageStore, tagOf } from "../store/image_store.ts";
import { nameEntry } from "../store/layout.ts";
import type { BlobSource } from "../store/ports.ts";
import { reachable } from "../store/verify.ts";
import { writeOutput } from "../store/output.ts";
import { encodeTarHeader, TAR_END, tarPadding, type TarType } from "../tar/encode.ts";
import { resolveRoot } from "./resolve.ts";
import type { Image } from "./types.ts";

/**
 * An absolute path, whose file appears when it is complete, `-` for standard output, or a stream, which is closed
 * at the end.
 */
export type ArchiveTarget = string | WritableStream<Uint8Array<ArrayBuffer>>;

/** The content of an archive of a layout. */
export interface ArchiveSelection {
  /** Only the image of this tag; with no other option, with all its platforms. */
  readonly tag?: string;
  /** Only the image of this descriptor of the index. */
  readonly entry?: Descriptor;
  /** Its name in the archive. Default: its current name. */
  readonly refName?: string;
  /** Blobs to leave out, because the reader has them. */
  readonly without?: ReadonlySet<Digest>;
}

/** A member of an archive that is being written. */
interface Sink {
  write(chunk: Uint8Array<ArrayBuffer>): Promise<void>;
}

async function intoStream(
  stream: WritableStream<Uint8Array<ArrayBuffer>>,
  produce: (sink: Sink) => Promise<void>,
): Promise<void> {
  const writer = stream.getWriter();
  try {
    // Each write waits for the previous one, so that a slow reader slows down the reading of blobs.
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
  await (typeof target === "string" ? writeOutput(target, whole) : intoStream(target, whole));
}

/** The header of a member: root's, readable by all, at time 0, so that the same image gives the same bytes. */
function header(type: TarType, path: string, size = 0): Uint8Array<ArrayBuffer> {
  const mode = type === "directory" ? 0o755 : 0o644;
  return encodeTarHeader({ path, type, mode, uid: 0, gid: 0, size, target: "" });
}

async function writeBytes(
  sink: Sink,
  name: string,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<void> {
  await sink.write(header("file", name, bytes.length));
  await sink.write(bytes);
  const padding = tarPadding(bytes.length);
  if (padding.length > 0) await sink.write(padding);
}

async function writeBlob(sink: Sink, name: string, blob: BlobOf): Promise<void> {
  const { source, digest, size } = blob;
  // Opened first: a missing blob fails before its header, a wrong one within the stream.
  const stream = await source.open(digest);
  await sink.write(header("file", name, size));
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
    : all.filter((one) => tagOf(one) === tag);
  // Lists the existing tags.
  if (chosen.length === 0) await resolveRoot(store, tag === undefined ? {} : { tag });
  return refName === undefined ? chosen : chosen.map((one) => nameEntry(one, refName));
}

/**
 * Writes a tar of a layout, or of some images of it, that podman, skopeo and buildah read as
 * `oci-archive:`.
 *
 * @throws {MiseOciError} `not-found` or `integrity` if a blob is missing or damaged; no file is created then.
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
    await sink.write(header("directory", "blobs"));
    await sink.write(header("directory", "blobs/sha256"));
    for (const [digest, size] of blobs) {
      if (selection.without?.has(digest) === true) continue;
      await writeBlob(sink, `blobs/sha256/${digestHex(digest)}`, { source: layout, digest, size });
    }
  });
}

/** How {@linkcode writeDockerArchive} writes. */
export interface DockerArchiveOptions {
  /** Names the image gets, `name:tag` each. */
  readonly repoTags?: readonly string[];
  /** Allows zstd layers, for an engine that is known to read them. Default: they are refused. */
  readonly zstd?: boolean;
}

/** The error for layers that docker before 23 mistakes for the end of the archive. */
export function zstdInDockerArchive(what: string): MiseOciError {
  return new MiseOciError(
    "unsupported",
    `Cannot write ${what} as a docker-archive: it has zstd layers, which docker before 23 cannot load`,
    { hint: "Choose --compression gzip and a base without zstd layers, or --format oci-archive" },
  );
}

/**
 * dive and other programs detect the compression of a layer by the file's ending; docker reads the content.
 */
function layerName({ digest, mediaType }: Descriptor): string {
  const ending = { gzip: ".tar.gz", zstd: ".tar.zst", none: ".tar" };
  return `${digestHex(digest)}${ending[maybeLayerCompression(mediaType) ?? "none"]}`;
}

/**
 * Writes an archive for `docker load`: `manifest.json`, the config and the unchanged layers (docker detects
 * gzip).
 *
 * @throws {MiseOciError} as {@linkcode writeOciArchive}; `unsupported` for zstd layers.
 */
export async function writeDockerArchive(
  image: Pick<Image, "manifest" | "configBytes" | "source">,
  target: ArchiveTarget,
  options: DockerArchiveOptions = {},
): Promise<void> {
  const { manifest, configBytes, source } = image;
  const isZstd = ({ mediaType }: Descriptor): boolean =>
    maybeLayerCompression(mediaType) === "zstd";
  if (options.zstd !== true && manifest.layers.some(isZstd)) throw zstdInDockerArchive("the image");
  const config = `${digestHex(manifest.config.digest)}.json`;
  const layers = new Map(manifest.layers.map((layer) => [layerName(layer), layer]));
  await archive(target, async (sink) => {
    await writeBytes(
      sink,
      "manifest.json",
      encodeJson([{
        Config: config,
        RepoTags: options.repoTags ?? [],
        Layers: manifest.layers.map(layerName),
      }]),
    );
    await writeBytes(sink, config, configBytes);
    for (const [name, { digest, size }] of layers) {
      await writeBlob(sink, name, { source, digest, size });
    }
  });
}
