/**
 * `oci-archive:FILE`: a tar of an image layout, read in place. A compressed one is unpacked to a
 * temporary file first, since its blobs are not read in order.
 * @module
 */
import { sniffCompression } from "../compress/sniff.ts";
import { MiseOciError } from "../errors.ts";
import {
  type Digest,
  type Index,
  INDEX_FILE,
  isDigest,
  LAYOUT_FILE,
  MAX_MANIFEST_BYTES,
  parseLayoutFile,
  parseManifest,
} from "../oci/mod.ts";
import { archiveScratch, defaultCacheDirectory } from "./cache_directory.ts";
import { checkRange, streamFile } from "./blob_directory.ts";
import {
  type ImageSelector,
  type ImageStore,
  type ResolvedImage,
  resolveImage,
} from "./image_source.ts";
import { ioError, maybeStat, withPath } from "./io_error.ts";
import { parsingLayout } from "./layout_error.ts";
import type { BlobRange } from "./ports.ts";
import { TempFile } from "./temp_file.ts";
import { type ListedTarEntry, listTar } from "../tar/list.ts";
import { type VerifyOptions, type VerifyResult, verifyStore } from "./verify.ts";

/** Options of {@linkcode openArchive}. */
export interface OpenArchiveOptions {
  /** Absolute directory for what a compressed archive unpacks to. Default: one in the cache. */
  readonly scratch?: string;
  /** Bytes that a compressed archive may unpack to. Default: 64 GiB. */
  readonly maxUnpackedBytes?: number;
  /** Ends the unpacking. */
  readonly signal?: AbortSignal;
}

const MAX_UNPACKED = 64 * 2 ** 30;

/** An archive of an image layout. Close it: a compressed one has a temporary file. */
export class Archive implements ImageStore, AsyncDisposable {
  /** The file the user named. */
  readonly file: string;
  /** What it is, for messages. */
  readonly place: string;
  readonly #tar: string;
  readonly #entries: ReadonlyMap<string, ListedTarEntry>;
  readonly #temporary: TempFile | undefined;

  /** Use {@linkcode openArchive}. */
  constructor(
    file: string,
    content: { tar: string; entries: ReadonlyMap<string, ListedTarEntry>; temporary?: TempFile },
  ) {
    this.file = file;
    this.place = `archive "${file}"`;
    this.#tar = content.tar;
    this.#entries = content.entries;
    this.#temporary = content.temporary;
  }

  async #read(
    entry: ListedTarEntry,
    range: BlobRange,
    digest?: Digest,
  ): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
    const { start, end } = checkRange(range, entry.size);
    const file = await withPath("open", this.#tar, () => Deno.open(this.#tar));
    return streamFile(file, {
      start: entry.offset + start,
      end: entry.offset + end,
      what: `"${entry.path}" of ${this.place}`,
      ...(digest === undefined ? {} : { digest }),
    });
  }

  /** The bytes of a small file of the archive. @throws {MiseOciError} `layout` if it is not there. */
  async readFile(name: string): Promise<Uint8Array<ArrayBuffer>> {
    const entry = this.#entries.get(name);
    if (entry === undefined || entry.size > MAX_MANIFEST_BYTES) {
      const why = entry === undefined ? `it has no file ${name}` : `${name} is too large`;
      throw new MiseOciError("layout", `Cannot use ${this.place} as an image layout: ${why}`);
    }
    return new Uint8Array(await new Response(await this.#read(entry, { start: 0 })).arrayBuffer());
  }

  async index(): Promise<Index> {
    const bytes = await this.readFile(INDEX_FILE);
    const parsed = parsingLayout(() =>
      parseManifest(bytes, { what: `${INDEX_FILE} of ${this.place}` })
    );
    if (parsed.kind === "index") return parsed.index;
    throw new MiseOciError("layout", `Cannot use ${this.place}: ${INDEX_FILE} is not an index`);
  }

  #entryOf(digest: Digest): ListedTarEntry | undefined {
    return this.#entries.get(digest);
  }

  size(digest: Digest): Promise<number | undefined> {
    return Promise.resolve(this.#entryOf(digest)?.size);
  }

  async open(digest: Digest, range?: BlobRange): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
    const entry = this.#entryOf(digest);
    if (entry === undefined) {
      throw new MiseOciError(
        "not-found",
        `Cannot read blob "${digest}" of ${this.place}: it is not there`,
      );
    }
    return range === undefined
      ? await this.#read(entry, { start: 0 }, digest)
      : await this.#read(entry, range);
  }

  /** Finds the one image that is meant. @throws {MiseOciError} as {@linkcode resolveImage}. */
  resolve(selector: ImageSelector = {}): Promise<ResolvedImage> {
    return resolveImage(this, selector);
  }

  /** Checks that everything named is whole. @throws {MiseOciError} as {@linkcode verifyStore}. */
  verify(options: VerifyOptions = {}): Promise<VerifyResult> {
    return verifyStore(this, options);
  }

  /** Removes the temporary file, if there is one; may be called twice. */
  async close(): Promise<void> {
    await this.#temporary?.abort();
  }

  /** As {@linkcode close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** How a file begins. */
export type Magic = "gzip" | "zstd" | "other" | "tar";

async function magicOf(path: string): Promise<Magic> {
  using file = await withPath("open", path, () => Deno.open(path));
  const head = new Uint8Array(512);
  const read = await withPath("read", path, () => file.read(head)) ?? 0;
  const compression = sniffCompression(head.subarray(0, read));
  if (compression === "none") return read === head.length ? "tar" : "other";
  return compression ?? "other";
}

/** Decompresses an archive to a temporary file, which stays open (and locked) until it is thrown away. */
async function unpack(
  file: string,
  magic: "gzip" | "zstd",
  options: OpenArchiveOptions,
): Promise<TempFile> {
  const {
    scratch = archiveScratch(defaultCacheDirectory()),
    maxUnpackedBytes = MAX_UNPACKED,
    signal,
  } = options;
  await withPath("create", scratch, () => Deno.mkdir(scratch, { recursive: true }));
  const { decompress } = await import("../compress/decompress.ts");
  const temporary = await TempFile.create(scratch);
  try {
    const { readable } = await withPath("open", file, () => Deno.open(file));
    let bytes = 0;
    const what = `"${file}"`;
    for await (const chunk of decompress(readable, magic, { what, transient: true })) {
      signal?.throwIfAborted();
      bytes += chunk.length;
      if (bytes > maxUnpackedBytes) {
        throw new MiseOciError(
          "invalid",
          `Cannot unpack "${file}": more than ${maxUnpackedBytes} bytes`,
        );
      }
      await temporary.write(chunk);
    }
    return temporary;
  } catch (error) {
    await temporary.abort();
    if (!(error instanceof MiseOciError)) throw ioError(error, "unpack", file);
    if (error.code !== "integrity") throw error;
    throw new MiseOciError("invalid", `Cannot unpack "${file}": its ${magic} data is damaged`, {
      cause: error,
    });
  }
}

/** The files of a layout among the entries: blobs by digest, others by name. The last of a name counts. */
function layoutFiles(entries: readonly ListedTarEntry[]): Map<string, ListedTarEntry> {
  const files = new Map<string, ListedTarEntry>();
  for (const entry of entries) {
    if (entry.type !== "file") continue;
    const blob = /^blobs\/sha256\/([^/]*)$/.exec(entry.path)?.[1];
    const digest = `sha256:${blob}`;
    if (isDigest(digest)) files.set(digest, entry);
    else if ([LAYOUT_FILE, INDEX_FILE, "manifest.json"].includes(entry.path)) {
      files.set(entry.path, entry);
    }
  }
  return files;
}

function checkKind(file: string, files: ReadonlyMap<string, ListedTarEntry>): void {
  if (files.has(LAYOUT_FILE)) return;
  if (files.has("manifest.json")) {
    throw new MiseOciError(
      "unsupported",
      `Cannot use "${file}" as an image: it is an archive of docker save`,
      {
        hint: `Convert it: skopeo copy docker-archive:${file} oci-archive:NEW.tar`,
      },
    );
  }
  throw new MiseOciError(
    "layout",
    `Cannot use "${file}" as an image: it has no file ${LAYOUT_FILE}`,
    {
      hint: "Give an archive of an OCI image layout, as skopeo copy … oci-archive:FILE writes it",
    },
  );
}

/**
 * Looks at a file that should be an archive; of its content at the first bytes alone.
 *
 * @throws {MiseOciError} `not-found` if there is no such file, `layout` if it is no regular file,
 * `unsupported` if it is neither a tar nor a compressed one.
 */
export async function checkArchiveFile(file: string): Promise<Exclude<Magic, "other">> {
  const info = maybeStat(file);
  if (info === undefined) {
    throw new MiseOciError("not-found", `Cannot find archive "${file}": no such file`);
  }
  if (!info.isFile) {
    const hint = info.isDirectory ? { hint: `For a directory write oci:${file}` } : {};
    throw new MiseOciError(
      "layout",
      `Cannot use "${file}" as an archive: it is not a regular file`,
      hint,
    );
  }
  const magic = await magicOf(file);
  if (magic === "other") {
    throw new MiseOciError(
      "unsupported",
      `Cannot read "${file}": it is not a tar archive, plain, gzip or zstd`,
    );
  }
  return magic;
}

/**
 * Opens an archive of an image layout: plain, gzip or zstd.
 *
 * @throws {MiseOciError} `not-found` if there is no such file, `invalid` if it is damaged, `layout` if
 * it is no layout, `unsupported` for `docker save` archives and other compressions.
 */
export async function openArchive(
  file: string,
  options: OpenArchiveOptions = {},
): Promise<Archive> {
  const magic = await checkArchiveFile(file);
  const temporary = magic === "tar" ? undefined : await unpack(file, magic, options);
  try {
    const tar = temporary?.path ?? file;
    using open = await withPath("open", tar, () => Deno.open(tar));
    const files = layoutFiles(
      listTar(open, (await open.stat()).size, `"${file}" as a tar archive`),
    );
    checkKind(file, files);
    const archive = new Archive(file, { tar, entries: files, ...(temporary && { temporary }) });
    const marker = await archive.readFile(LAYOUT_FILE);
    parsingLayout(() => parseLayoutFile(marker, `${LAYOUT_FILE} of ${archive.place}`));
    await archive.index();
    return archive;
  } catch (error) {
    await temporary?.abort();
    throw error;
  }
}
