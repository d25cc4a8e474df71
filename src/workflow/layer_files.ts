/**
 * The files of a layer, read once and verified by its diff ID, with progress.
 * @module
 */
import type { WorkflowContext } from "../context.ts";
import { MiseOciError } from "../errors.ts";
import { describeTitle, type LayerDescription, type LayerFile } from "../inspect/mod.ts";
import { readLayerChunks } from "../layer/read/mod.ts";
import { parseDiffId, type StreamingHash, streamingSha256 } from "../oci/mod.ts";
import { readTar } from "../tar/read_tar.ts";
import type { OpenedImage } from "./open_image.ts";

/** Options of {@linkcode readLayerFiles}. */
export interface LayerFilesOptions {
  /** Whether the content of files is hashed, for a comparison. */
  readonly hash: boolean;
}

/** Hashes the tar while it is read. */
async function* hashed(
  chunks: AsyncIterable<Uint8Array>,
  hash: StreamingHash,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    hash.update(chunk);
    yield chunk;
  }
}

async function hashOf(content: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = streamingSha256();
  for await (const chunk of content) hash.update(chunk);
  return hash.digest("hex");
}

/**
 * Lists the files of a layer.
 *
 * @throws {MiseOciError} `integrity` if its content does not match the image config; as reading the blob.
 */
export async function readLayerFiles(
  image: OpenedImage,
  layer: LayerDescription,
  options: LayerFilesOptions & { readonly context: WorkflowContext },
): Promise<readonly LayerFile[]> {
  const { descriptor, diffId } = layer;
  const { reporter, signal } = options.context;
  const what = `layer ${descriptor.digest} of ${image.name}`;
  const read = { what, signal, warn: (text: string) => reporter.emit({ type: "warning", text }) };
  const hash = streamingSha256();
  const blob = await image.source.open(descriptor.digest);
  const tar = hashed(readLayerChunks(blob, descriptor.mediaType, read), hash);
  const files: LayerFile[] = [];
  for await (const entry of readTar(tar, read)) {
    const { path, type, mode, uid, gid, size, linkTarget } = entry;
    files.push({
      path,
      type: /(^|\/)\.wh\./.test(path) ? "whiteout" : type,
      mode,
      uid,
      gid,
      size,
      ...(linkTarget === undefined ? {} : { link: linkTarget }),
      ...(options.hash && type === "file" ? { hash: await hashOf(entry.content()) } : {}),
    });
  }
  const found = parseDiffId(`sha256:${hash.digest("hex")}`);
  if (found === diffId) return files;
  throw new MiseOciError(
    "integrity",
    `Cannot use ${what}: its diff ID is ${found}, but the image config says ${diffId}`,
    { hint: "The image is damaged or was tampered with; pull or build it again" },
  );
}

/** Reports progress while a layer is read. */
export async function withProgress<T>(
  layer: LayerDescription,
  { reporter }: WorkflowContext,
  work: () => Promise<T>,
): Promise<T> {
  const id = `read ${layer.descriptor.digest}`;
  reporter.emit({ type: "start", id, label: `reading ${describeTitle(layer)}` });
  try {
    const result = await work();
    reporter.emit({ type: "done", id });
    return result;
  } catch (error) {
    reporter.emit({ type: "failed", id });
    throw error;
  }
}
