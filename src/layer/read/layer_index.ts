/**
 * A list of a layer's contents, created by reading the layer once and cached by its digest.
 * @module
 */
import { OS_RELEASE_FILES } from "../../oci/os_release.ts";
import { type DiffId, parseDiffId, streamingSha256 } from "../../oci/mod.ts";
import { MiseOciError } from "../../errors.ts";
import type { LayerReadOptions } from "./limits.ts";
import { readLayerChunks } from "./open.ts";
import { type TarEntry, type TarEntryType, type TarHandler, TarParser } from "../../tar/parser.ts";

/** One entry of a layer, including whiteouts. */
export interface IndexedEntry {
  /** Normalized path relative to the root; empty for the root itself. */
  readonly path: string;
  /** Type of the entry. */
  readonly type: TarEntryType;
  /** Permission bits with setuid, setgid and sticky. */
  readonly mode: number;
  /** User id. */
  readonly uid: number;
  /** Group id. */
  readonly gid: number;
  /** Size of the content in bytes. */
  readonly size: number;
  /** Target of a link, as {@linkcode TarEntry.linkTarget}. */
  readonly link?: string;
}

/** The contents of a layer. */
export interface LayerIndex {
  /** Digest of the uncompressed tar. */
  readonly diffId: DiffId;
  /** Its entries in the order of the archive. */
  readonly entries: readonly IndexedEntry[];
  /** The text of the layer's files in {@linkcode KEPT_FILES}. */
  readonly texts: ReadonlyMap<string, string>;
}

/** Files whose text an index keeps: the user database, and the distribution. */
const KEPT_FILES: ReadonlySet<string> = new Set(["etc/passwd", "etc/group", ...OS_RELEASE_FILES]);
const KEPT_BYTES = 256 * 1024;
const FORMAT = 1;

/** Options of {@linkcode indexLayer}. */
export interface IndexLayerOptions extends LayerReadOptions {
  /** The expected diff ID of the tar. */
  readonly diffId?: DiffId;
}

/**
 * Reads a layer blob and lists its contents.
 *
 * @throws {MiseOciError} as {@linkcode readVerifiedLayer}.
 */
export async function indexLayer(
  blob: ReadableStream<Uint8Array>,
  mediaType: string,
  options: IndexLayerOptions = {},
): Promise<LayerIndex> {
  const collector = new IndexCollector();
  const diffId = await readVerifiedLayer(blob, { ...options, mediaType, handler: collector });
  return collector.index(diffId);
}

/** Options of {@linkcode readVerifiedLayer}. */
export interface ReadVerifiedOptions extends IndexLayerOptions {
  /** Media type of the blob. */
  readonly mediaType: string;
  /** Receives the entries, before the diff ID is verified. */
  readonly handler: TarHandler;
}

/**
 * Reads a whole layer blob, passes its entries to the handler and verifies its diff ID.
 *
 * @throws {MiseOciError} as `openLayerStream` and `readTar`; `integrity` if the diff ID differs from the
 * expected one (fault U23).
 */
export async function readVerifiedLayer(
  blob: ReadableStream<Uint8Array>,
  options: ReadVerifiedOptions,
): Promise<DiffId> {
  const { mediaType, handler, diffId: expected, what = "layer" } = options;
  const hash = streamingSha256();
  const parser = new TarParser(handler, options);
  // Handlers use content only during the call, so chunks are transient.
  for await (const chunk of readLayerChunks(blob, mediaType, { ...options, transient: true })) {
    hash.update(chunk);
    parser.push(chunk);
  }
  parser.finish();
  const diffId = parseDiffId(`sha256:${hash.digest("hex")}`);
  if (expected !== undefined && expected !== diffId) throw diffIdError(what, { expected, diffId });
  return diffId;
}

/** The error for a layer whose diff ID differs from that in the image config. */
export function diffIdError(
  what: string,
  { expected, diffId }: { readonly expected: DiffId; readonly diffId: DiffId },
): MiseOciError {
  return new MiseOciError(
    "integrity",
    `Cannot use ${what}: its diff ID is ${diffId}, but the image config says ${expected}`,
    { hint: "The image is damaged or was tampered with; pull it again" },
  );
}

/** Creates an index from a layer's entries while the layer is read. */
export class IndexCollector implements TarHandler {
  readonly #entries: IndexedEntry[] = [];
  readonly #texts = new Map<string, string>();
  #kept: { path: string; parts: Uint8Array[] } | undefined;

  /** The index, for the verified diff ID. */
  index(diffId: DiffId): LayerIndex {
    return { diffId, entries: this.#entries, texts: this.#texts };
  }

  /** Receives an entry. */
  entry(entry: TarEntry): boolean {
    const { path, type, mode, uid, gid, size, linkTarget } = entry;
    const indexed = { path, type, mode, uid, gid, size };
    this.#entries.push(linkTarget === undefined ? indexed : { ...indexed, link: linkTarget });
    if (KEPT_FILES.has(path)) this.#texts.delete(path);
    const keep = type === "file" && size <= KEPT_BYTES && KEPT_FILES.has(path);
    this.#kept = keep ? { path, parts: [] } : undefined;
    return keep;
  }

  /** Receives content. */
  data(chunk: Uint8Array): void {
    this.#kept?.parts.push(chunk.slice());
  }

  /** Receives the end of the content. */
  end(): void {
    if (this.#kept === undefined) return;
    const decoder = new TextDecoder();
    const text = this.#kept.parts.map((part) => decoder.decode(part, { stream: true })).join("");
    this.#texts.set(this.#kept.path, text + decoder.decode());
  }
}

type Row = [string, number, number, number, number, number, string?];
const TYPES: readonly TarEntryType[] = [
  "file",
  "directory",
  "symlink",
  "hardlink",
  "character-device",
  "block-device",
  "fifo",
];

/** Encodes an index as compact JSON, to be cached by the digest of the layer's blob. */
export function encodeLayerIndex(index: LayerIndex): string {
  const entries = index.entries.map((e): Row => {
    const row: Row = [e.path, TYPES.indexOf(e.type), e.mode, e.uid, e.gid, e.size];
    if (e.link !== undefined) row.push(e.link);
    return row;
  });
  return JSON.stringify({
    format: FORMAT,
    diffId: index.diffId,
    entries,
    texts: Object.fromEntries(index.texts),
  });
}

/**
 * Parses the result of {@linkcode encodeLayerIndex}; `undefined` if it is damaged or in another format, so
 * that the layer must be read again.
 */
export function maybeParseLayerIndex(text: string): LayerIndex | undefined {
  try {
    const { format, diffId, entries, texts } = JSON.parse(text);
    if (format !== FORMAT) return undefined;
    return {
      diffId: parseDiffId(diffId),
      entries: entries.map(([path, type, mode, uid, gid, size, link]: Row) => {
        const numbers = [mode, uid, gid, size];
        if (typeof path !== "string" || !numbers.every(Number.isSafeInteger)) throw new TypeError();
        const name = TYPES[type];
        if (name === undefined) throw new TypeError();
        return { path, type: name, mode, uid, gid, size, ...(link === undefined ? {} : { link }) };
      }),
      texts: new Map(Object.entries(texts)),
    };
  } catch {
    return undefined; // an unreadable cache entry counts as missing
  }
}
