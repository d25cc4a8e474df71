/**
 * `oci-archive:FILE` and `docker-archive:FILE`: a tar of an image layout, or the output of `docker save`,
 * read in place. A compressed archive is decompressed to a temporary file first, because its blobs are not
 * read in order.
 * @module
 */
import * as posix from "@std/path/posix";
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
import { archiveScratch, defaultCacheDirectory } from "../store/cache_directory.ts";
import { checkRange, streamFile } from "../store/blob_directory.ts";
import type { ImageStore } from "../store/image_store.ts";
import { ioError, maybeStat, withPath } from "../store/io_error.ts";
import { parsingLayout } from "../store/layout.ts";
import type { BlobRange } from "../store/ports.ts";
import { TempFile } from "../store/temp_file.ts";
import { type ListedTarEntry, listTar } from "../tar/list.ts";
import { type DockerSave, MANIFEST_FILE, readDockerSave } from "./docker_save.ts";

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

/** An archive of images. Close it: a compressed one has a temporary file. */
export class Archive implements ImageStore, AsyncDisposable {
  /** The file the user named. */
  readonly file: string;
  /** A description for messages. */
  readonly place: string;
  readonly #tar: string;
  readonly #files: ReadonlyMap<string, ListedTarEntry>;
  readonly #blobs: ReadonlyMap<Digest, ListedTarEntry>;
  readonly #temporary: TempFile | undefined;
  /** The content of a `docker save` archive, converted to that of a layout. */
  #save: DockerSave | undefined;

  /** Use {@linkcode openArchive}. */
  constructor(
    file: string,
    content: ArchiveFiles & { readonly tar: string; readonly temporary?: TempFile },
  ) {
    this.file = file;
    this.place = `archive "${file}"`;
    this.#tar = content.tar;
    this.#files = content.files;
    this.#blobs = content.blobs;
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
    const entry = this.#files.get(name);
    if (entry === undefined || entry.size > MAX_MANIFEST_BYTES) {
      const why = entry === undefined ? `it has no file ${name}` : `${name} is too large`;
      throw new MiseOciError("layout", `Cannot use ${this.place} as an image layout: ${why}`);
    }
    return new Uint8Array(await new Response(await this.#read(entry, { start: 0 })).arrayBuffer());
  }

  /** How the command line names it. */
  get address(): string {
    return `${this.#save === undefined ? "oci" : "docker"}-archive:${this.file}`;
  }

  /** Reads the output of `docker save`, once, before anything else is read. */
  async readSave(): Promise<void> {
    this.#save = await readDockerSave(this.#files, {
      place: this.place,
      readFile: (name) => this.readFile(name),
      open: (entry, range = { start: 0 }) => this.#read(entry, range),
    });
  }

  async index(): Promise<Index> {
    if (this.#save !== undefined) return this.#save.index;
    const bytes = await this.readFile(INDEX_FILE);
    const parsed = parsingLayout(() =>
      parseManifest(bytes, { what: `${INDEX_FILE} of ${this.place}` })
    );
    if (parsed.kind === "index") return parsed.index;
    throw new MiseOciError("layout", `Cannot use ${this.place}: ${INDEX_FILE} is not an index`);
  }

  #entryOf(digest: Digest): ListedTarEntry | undefined {
    return this.#save === undefined ? this.#blobs.get(digest) : this.#save.blobs.get(digest);
  }

  size(digest: Digest): Promise<number | undefined> {
    return Promise.resolve(
      this.#save?.documents.get(digest)?.length ?? this.#entryOf(digest)?.size,
    );
  }

  async open(digest: Digest, range?: BlobRange): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
    const document = this.#save?.documents.get(digest);
    if (document !== undefined) {
      return ReadableStream.from([document.slice(range?.start ?? 0, range?.end)]);
    }
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
type Magic = "gzip" | "zstd" | "other" | "tar";

async function magicOf(path: string): Promise<Magic> {
  using file = await withPath("open", path, () => Deno.open(path));
  const head = new Uint8Array(512);
  const read = await withPath("read", path, () => file.read(head)) ?? 0;
  const compression = sniffCompression(head.subarray(0, read));
  if (compression === "none") return read === head.length ? "tar" : "other";
  return compression ?? "other";
}

/** Decompresses an archive to a temporary file, which stays open (and locked) until it is removed. */
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

interface ArchiveFiles {
  /** The blobs of a layout. */
  readonly blobs: ReadonlyMap<Digest, ListedTarEntry>;
  /** Everything by name. */
  readonly files: ReadonlyMap<string, ListedTarEntry>;
}

/**
 * The files among the entries: blobs by digest, others by name; links of `docker save` by their targets. If a
 * name occurs twice, the last one is used.
 */
function filesOf(entries: readonly ListedTarEntry[]): ArchiveFiles {
  const blobs = new Map<Digest, ListedTarEntry>();
  const files = new Map<string, ListedTarEntry>();
  const links: [string, string][] = [];
  for (const entry of entries) {
    const { path, type, linkTarget } = entry;
    if (type === "symlink" && linkTarget !== undefined) links.push([path, linkTarget]);
    if (type !== "file") continue;
    const blob = /^blobs\/sha256\/([^/]*)$/.exec(path)?.[1];
    const digest = `sha256:${blob}`;
    if (isDigest(digest)) blobs.set(digest, entry);
    files.set(path, entry);
  }
  for (const [name, link] of links) {
    // docker save: `ID/layer.tar` is a link to `../OTHER/layer.tar` where two layers are the same.
    const target = files.get(posix.join(posix.dirname(name), link));
    if (target !== undefined && !files.has(name) && !link.startsWith("/")) files.set(name, target);
  }
  return { blobs, files };
}

/**
 * Examines a file that should be an archive; reads only its first bytes.
 *
 * @throws {MiseOciError} `not-found` if there is no such file, `layout` if it is not a regular file,
 * `unsupported` if it is neither a tar nor a compressed one.
 */
export async function checkArchiveFile(file: string): Promise<"gzip" | "zstd" | "tar"> {
  const info = maybeStat(file);
  if (info === undefined) {
    throw new MiseOciError("not-found", `Cannot find archive "${file}": no such file`, {
      hint: "Check the path; mise-oci build --output-archive FILE writes an archive",
    });
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
      {
        hint:
          "Name the directory of an image layout, or an archive that build or docker save wrote",
      },
    );
  }
  return magic;
}

function noArchive(file: string): MiseOciError {
  return new MiseOciError(
    "layout",
    `Cannot use "${file}" as an image: it has no file ${LAYOUT_FILE} or ${MANIFEST_FILE}`,
    {
      hint: "Give an archive as skopeo copy … oci-archive:FILE or docker save -o FILE writes it",
    },
  );
}

/**
 * Opens an archive of an image layout or of `docker save`, whichever it is: plain, gzip or zstd.
 *
 * @throws {MiseOciError} `not-found` if there is no such file, `invalid` if it is damaged, `layout` if
 * it is neither, `unsupported` for other compressions.
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
    const found = filesOf(listTar(open, (await open.stat()).size, `"${file}" as a tar archive`));
    const archive = new Archive(file, { tar, ...found, ...(temporary && { temporary }) });
    if (found.files.has(LAYOUT_FILE)) {
      const marker = await archive.readFile(LAYOUT_FILE);
      parsingLayout(() => parseLayoutFile(marker, `${LAYOUT_FILE} of ${archive.place}`));
      await archive.index();
      return archive;
    }
    if (!found.files.has(MANIFEST_FILE)) throw noArchive(file);
    await archive.readSave();
    return archive;
  } catch (error) {
    await temporary?.abort();
    throw error;
  }
}
