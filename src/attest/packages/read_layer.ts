/**
 * Finds the packages of a layer, from its blob in one pass or from the host files it is built from. Memory
 * use is bounded: a large program, whose tables can be anywhere in the file, is written to a temporary
 * file.
 * @module
 */
import type { LayerEntry, LayerTree } from "../../layer/mod.ts";
import { type LayerReadOptions, maybeWhiteout, readVerifiedLayer } from "../../layer/read/mod.ts";
import type { DiffId } from "../../oci/mod.ts";
import type { TarEntry } from "../../tar/parser.ts";
import {
  ContentCollector,
  type ContentWish,
  type EntryReader,
} from "../../check/facts/collected_content.ts";
import { isElf } from "../../layer/relocate/elf_paths.ts";
import { type RandomAccess, withEntryAccess } from "../../check/elf/random_access.ts";
import { isWindows, mayBeClassified } from "./classifiers.ts";
import type { LayerPackages } from "./found.ts";
import { fileKind, LayerBook, maxTextBytes } from "./layer_book.ts";

// Imported on demand: few images need SQLite.
const rpmModule = () => import("./rpm_database.ts");

/** Files below this size cannot be programs. */
const MIN_PROGRAM_BYTES = 64;
/** Number of bytes that identify an ELF file. */
const MAGIC_BYTES = 4;
const COPY_BYTES = 1024 * 1024;

/**
 * Whether a file may be a program: it is executable, has a library's name or no extension, or is in a
 * directory of commands. It is recorded even without packages, because it may replace a program of a lower
 * layer.
 */
function isPlaceOfProgram(path: string, mode: number): boolean {
  return (mode & 0o111) !== 0 ||
    /\.(?:so(?:\.[^/]*)?|node)$|(?:^|\/)[^./]+$|(?:^|\/)s?bin\/[^/]+$/.test(path) ||
    isWindows(path) || mayBeClassified(path);
}

/** Whether such a file can contain packages, by its name and first bytes. */
function isProgram(path: string, head: Uint8Array): boolean {
  return isElf(head) || mayBeClassified(path) || isWindows(path);
}

/** Options of {@linkcode readBlobPackages}. */
export interface BlobPackagesOptions extends LayerReadOptions {
  /** The expected diff ID of the tar. */
  readonly diffId: DiffId;
}

/**
 * Reads a layer blob.
 *
 * @throws {MiseOciError} as reading a layer; `integrity` if the diff ID differs.
 */
export async function readBlobPackages(
  blob: ReadableStream<Uint8Array>,
  mediaType: string,
  options: BlobPackagesOptions,
): Promise<LayerPackages> {
  using collector = new PackagesCollector();
  using handler = new ContentCollector([collector]);
  await readVerifiedLayer(blob, { ...options, mediaType, handler });
  return await collector.finish();
}

/** Parses a whiteout; reserved names without a meaning remove nothing. */
function whiteoutOf(path: string): ReturnType<typeof maybeWhiteout> {
  try {
    return maybeWhiteout(path);
  } catch (error) {
    if (error instanceof RangeError) return { type: "metadata" };
    throw error;
  }
}

/** Copies content to a temporary file, because SQLite reads only files. @returns its path. */
function copyToFile(access: RandomAccess): string {
  const path = Deno.makeTempFileSync({ prefix: "mise-oci-sbom-" });
  try {
    using file = Deno.openSync(path, { write: true });
    for (let at = 0; at < access.size;) {
      const part = access.read(at, COPY_BYTES);
      if (part.length === 0) break;
      for (let done = 0; done < part.length;) done += file.writeSync(part.subarray(done));
      at += part.length;
    }
    return path;
  } catch (error) {
    Deno.removeSync(path);
    throw error;
  }
}

/** Collects the packages of a layer from the content that {@linkcode ContentCollector} reads. Must be disposed of. */
export class PackagesCollector implements EntryReader, Disposable {
  readonly #book = new LayerBook();
  readonly #databases: { readonly path: string; readonly file: string }[] = [];

  /** Receives an entry. */
  entry({ path, type, mode, size }: TarEntry): ContentWish | undefined {
    const whiteout = whiteoutOf(path);
    if (whiteout?.type === "opaque") this.#book.hide(whiteout.path);
    if (whiteout?.type === "remove") this.#book.remove(whiteout.path);
    if (whiteout !== undefined || type === "directory") return undefined;
    if (type !== "file") return this.#nothing(path);
    const kind = fileKind(path);
    if (kind === "unread") {
      this.#book.unread(path);
      return undefined;
    }
    if (kind === "rpm") {
      if (size === 0) return this.#nothing(path);
      const take = (access: RandomAccess): void =>
        void this.#databases.push({ path, file: copyToFile(access) });
      return { needed: () => size, take };
    }
    if (kind !== "program") {
      if (size > maxTextBytes(kind)) return undefined;
      return {
        needed: () => size,
        take: (access) =>
          this.#book.text(path, kind, new TextDecoder().decode(access.read(0, size))),
      };
    }
    if (!isPlaceOfProgram(path, mode)) return undefined;
    if (size < MIN_PROGRAM_BYTES) return this.#nothing(path);
    return {
      needed: (head) => isProgram(path, head) ? size : 0,
      take: (access) => takeProgram(this.#book, path, access),
    };
  }

  #nothing(path: string): undefined {
    this.#book.nothing(path);
  }

  /** Reads the databases and returns the result. */
  async finish(): Promise<LayerPackages> {
    for (const { path, file } of this.#databases) await readDatabase(this.#book, path, file);
    return this.#book.result();
  }

  /** Deletes the temporary files. */
  [Symbol.dispose](): void {
    for (const { file } of this.#databases) Deno.removeSync(file);
  }
}

async function readDatabase(book: LayerBook, path: string, file: string): Promise<void> {
  try {
    const { readRpmDatabase } = await rpmModule();
    book.packages(path, await readRpmDatabase(file));
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw error;
    book.unread(path); // damaged, or without SQLite
  }
}

/**
 * Finds the packages of a layer from files on the host, reading a few pages of each. Rewriting content for
 * the image does not change the packages.
 *
 * @throws {Error} of the file system for a file that vanished or cannot be read.
 */
export function readTreePackages({ entries }: LayerTree): LayerPackages {
  const book = new LayerBook();
  for (const entry of entries) {
    const { path, type, mode } = entry;
    if (type === "directory") continue;
    if (type !== "file") {
      book.nothing(path);
      continue;
    }
    const kind = fileKind(path);
    const size = entry.content?.length ?? entry.host?.size ?? 0;
    if (kind === "rpm" || kind === "unread") book.unread(path);
    else if (kind !== "program") {
      if (size > maxTextBytes(kind)) continue;
      const bytes = withEntryAccess(entry, (access) => access.read(0, access.size).slice());
      book.text(path, kind, new TextDecoder().decode(bytes));
    } else if (isPlaceOfProgram(path, mode)) readProgram(book, entry, size);
  }
  return book.result();
}

function readProgram(book: LayerBook, entry: LayerEntry, size: number): void {
  const { path } = entry;
  if (size < MIN_PROGRAM_BYTES) return book.nothing(path);
  withEntryAccess(entry, (access) => takeProgram(book, path, access));
}

/** Records a file, if it is a program. */
function takeProgram(book: LayerBook, path: string, access: RandomAccess): void {
  const head = access.read(0, MAGIC_BYTES);
  if (isProgram(path, head)) book.program(path, access, isElf(head));
  else book.nothing(path);
}
