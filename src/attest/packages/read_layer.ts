/**
 * Finds the packages of a layer, from its blob in one pass or from the host files it is built from. Memory
 * use is bounded: a large program, whose tables can be anywhere in the file, is written to a temporary
 * file.
 * @module
 */
import type { LayerEntry, LayerTree } from "../../layer/mod.ts";
import { type LayerReadOptions, maybeWhiteout, readVerifiedLayer } from "../../layer/read/mod.ts";
import type { DiffId } from "../../oci/mod.ts";
import type { TarEntry, TarHandler } from "../../tar/parser.ts";
import { CollectedContent, SpillFile } from "../../check/facts/collected_content.ts";
import { isElf } from "../../layer/relocate/elf_paths.ts";
import { withEntryAccess } from "../../check/elf/random_access.ts";
import { isWindows, mayBeClassified } from "./classifiers.ts";
import type { LayerPackages } from "./found.ts";
import { type FileKind, fileKind, LayerBook, maxTextBytes } from "./layer_book.ts";

// Imported on demand: few images need SQLite.
const rpmModule = () => import("./rpm_database.ts");

/** Files below this size cannot be programs. */
const MIN_PROGRAM_BYTES = 64;
/** Number of bytes that identify an ELF file. */
const MAGIC_BYTES = 4;

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
  await readVerifiedLayer(blob, { ...options, mediaType, handler: collector });
  return await collector.finish();
}

/** The current file and its content as far as needed. */
interface Current {
  readonly path: string;
  readonly kind: FileKind;
  readonly size: number;
  readonly content: CollectedContent;
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

/** Collects the packages of a layer from its entries. Must be disposed of. */
export class PackagesCollector implements TarHandler, Disposable {
  readonly #book = new LayerBook();
  readonly #databases: { readonly path: string; readonly file: string }[] = [];
  readonly #spill = new SpillFile(() => Deno.makeTempFileSync({ prefix: "mise-oci-sbom-" }));
  #current: Current | undefined;

  /** Returns whether the content of an entry is needed. */
  entry({ path, type, mode, size }: TarEntry): boolean {
    this.#current = undefined;
    const whiteout = whiteoutOf(path);
    if (whiteout?.type === "opaque") this.#book.hide(whiteout.path);
    if (whiteout?.type === "remove") this.#book.remove(whiteout.path);
    if (whiteout !== undefined || type === "directory") return false;
    if (type !== "file") {
      this.#book.nothing(path);
      return false;
    }
    const kind = fileKind(path);
    if (kind === "unread") this.#book.unread(path);
    const tooLong = kind !== "program" && kind !== "rpm" && size > maxTextBytes(kind);
    if (kind === "unread" || tooLong) return false;
    if (kind === "program") {
      if (!isPlaceOfProgram(path, mode)) return false;
      if (size < MIN_PROGRAM_BYTES) {
        this.#book.nothing(path);
        return false;
      }
    }
    const content = new CollectedContent({
      size,
      ...(kind === "program"
        ? { head: MAGIC_BYTES, wantsRest: (head) => isProgram(path, head) }
        // SQLite reads a database only from a file.
        : kind === "rpm"
        ? { head: 0, wantsRest: () => true, memory: 0 }
        : { head: size, wantsRest: () => true }),
      spill: this.#spill,
    });
    this.#current = { path, kind, size, content };
    return true;
  }

  /** Receives content of the entry. */
  data(chunk: Uint8Array): void {
    const current = this.#current;
    if (current === undefined || current.content.write(chunk)) return;
    this.#book.nothing(current.path);
    this.#current = undefined;
  }

  /** Processes the entry once its content is complete. */
  end(): void {
    const current = this.#current;
    this.#current = undefined;
    if (current === undefined) return;
    const { path, kind, size, content } = current;
    if (kind === "rpm") {
      if (size === 0) return this.#book.nothing(path);
      this.#databases.push({ path, file: this.#spill.copy(size) });
      return;
    }
    const access = content.access();
    const head = access.read(0, MAGIC_BYTES);
    if (kind === "program") return this.#book.program(path, access, isElf(head));
    this.#book.text(path, kind, new TextDecoder().decode(access.read(0, size)));
  }

  /** Reads the databases and returns the result. */
  async finish(): Promise<LayerPackages> {
    for (const { path, file } of this.#databases) await readDatabase(this.#book, path, file);
    return this.#book.result();
  }

  /** Deletes the temporary files. */
  [Symbol.dispose](): void {
    this.#spill[Symbol.dispose]();
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
  withEntryAccess(entry, (access) => {
    const head = access.read(0, MAGIC_BYTES);
    if (isProgram(path, head)) book.program(path, access, isElf(head));
    else book.nothing(path);
  });
}
