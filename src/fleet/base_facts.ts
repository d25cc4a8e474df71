/**
 * Facts about base layers, kept in a layer store by diff ID, so that a new machine learns a base's
 * directories and programs without downloading it (spec section 14).
 * @module
 */
import { MiseOciError } from "../errors.ts";
import { maybeParseFacts } from "../check/mod.ts";
import { maybeParseLayerIndex, readLayerChunks } from "../layer/read/mod.ts";
import {
  Annotation,
  type Descriptor,
  type DiffId,
  digestHex,
  encodedDocument,
  encodeImageConfig,
  encodeJson,
  encodeManifest,
  MediaType,
  parseDiffId,
  type Platform,
  streamingSha256,
} from "../oci/mod.ts";
import { MemoryBlobs, RemoteBlobs } from "../registry/mod.ts";
import { encodeTarHeader, TAR_END, tarPadding } from "../tar/encode.ts";
import { readTar } from "../tar/read_tar.ts";
import { hasEntry, maybeEntryManifest, type StorePlace, writeEntry } from "./layer_store.ts";

/** The facts about a layer, in the format of the local cache. */
export interface LayerKnowledge {
  /** Its index of files. */
  readonly index: string;
  /** The dependencies of its programs. */
  readonly facts: string;
}

const FILE = "facts.json";
/** Ten times the facts of the largest bases. */
const MAX_BYTES = 64 << 20;
/** To be incremented when the format of the facts changes. */
const VERSION = 1;

function tagOf(diffId: DiffId): string {
  return `facts-${VERSION}-${digestHex(diffId).slice(0, 40)}`;
}

function isKnowledge(value: unknown): value is LayerKnowledge {
  if (typeof value !== "object" || value === null) return false;
  const { index, facts } = value as Record<string, unknown>;
  return typeof index === "string" && typeof facts === "string";
}

async function readFile(place: StorePlace, layer: Descriptor): Promise<string> {
  const { client, reference: { repository }, signal } = place;
  const blobs = new RemoteBlobs(client, { repository, blobs: [layer], signal });
  const chunks = readLayerChunks(await blobs.open(layer.digest), layer.mediaType);
  for await (const entry of readTar(chunks)) {
    if (entry.path !== FILE || entry.size > MAX_BYTES) continue;
    return await new Response(ReadableStream.from(entry.content())).text();
  }
  return "";
}

/**
 * Reads the facts about a layer from the store; `undefined` if there are none, or in another version.
 *
 * @throws {MiseOciError} `auth`, `network`, `registry`, `integrity`: the store cannot be used.
 */
export async function maybeStoredKnowledge(
  place: StorePlace,
  diffId: DiffId,
): Promise<LayerKnowledge | undefined> {
  const manifest = await maybeEntryManifest(place, tagOf(diffId));
  if (manifest === undefined) return undefined;
  const { annotations, layers: [layer] } = manifest;
  if (layer === undefined || annotations?.[Annotation.storeFacts] !== diffId) return undefined;
  if (layer.size > MAX_BYTES) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(await readFile(place, layer));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
  if (!isKnowledge(value)) return undefined;
  const isWhole = maybeParseLayerIndex(value.index)?.diffId === diffId &&
    maybeParseFacts(value.facts) !== undefined;
  return isWhole ? value : undefined;
}

/** Creates a layer with one file. */
async function layerOf(
  content: Uint8Array<ArrayBuffer>,
): Promise<{ readonly blob: Uint8Array<ArrayBuffer>; readonly diffId: DiffId }> {
  const parts = [
    encodeTarHeader({
      path: FILE,
      type: "file",
      mode: 0o644,
      uid: 0,
      gid: 0,
      size: content.length,
      target: "",
    }),
    content,
    tarPadding(content.length),
    TAR_END,
  ];
  const tar = new Blob(parts);
  const hash = streamingSha256();
  for (const part of parts) hash.update(part);
  const gzip = tar.stream().pipeThrough(new CompressionStream("gzip"));
  const blob = new Uint8Array(await new Response(gzip).arrayBuffer());
  return { blob, diffId: parseDiffId(`sha256:${hash.digest("hex")}`) };
}

/**
 * Adds the facts about a layer to the store, unless it has them, as an ordinary image with one file.
 *
 * @throws {MiseOciError} `auth`, `network`, `registry`.
 */
export async function keepKnowledge(
  place: StorePlace,
  of: { readonly diffId: DiffId; readonly platform: Platform },
  knowledge: LayerKnowledge,
): Promise<void> {
  const tag = tagOf(of.diffId);
  if (await hasEntry(place, tag)) return;
  const { index, facts } = knowledge;
  const { blob, diffId } = await layerOf(encodeJson({ index, facts }));
  if (blob.length > MAX_BYTES) {
    throw new MiseOciError("unsupported", `Cannot keep facts of layer ${of.diffId}: too many`);
  }
  const memory = new MemoryBlobs();
  const layer = { mediaType: MediaType.layerGzip, ...memory.add(blob) };
  const { os, architecture, variant } = of.platform;
  const config = encodedDocument(
    MediaType.config,
    encodeImageConfig({
      architecture,
      os,
      ...(variant === undefined ? {} : { variant }),
      diffIds: [diffId],
      history: [{ created_by: `mise-oci: facts of layer ${of.diffId}` }],
    }),
  );
  memory.add(config.bytes);
  const annotations = { [Annotation.storeFacts]: of.diffId };
  const manifest = encodedDocument(
    MediaType.manifest,
    encodeManifest({ config: config.descriptor, layers: [layer], annotations }),
  );
  await writeEntry(place, tag, { manifest, config, layer, source: memory });
}
