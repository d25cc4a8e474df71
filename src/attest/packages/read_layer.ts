/**
 * What a layer says about packages, from its blob in one pass or from the host files that it is made of.
 * Memory is bounded: a large program, whose tables can be anywhere in it, goes through a temporary file.
 * @module
 */
import fs from "node:fs";
import type { LayerEntry, LayerTree } from "../../layer/mod.ts";
import { isElf } from "../../layer/elf_paths.ts";
import { type LayerReadOptions, maybeWhiteout, readVerifiedLayer } from "../../layer/read/mod.ts";
import type { DiffId } from "../../oci/mod.ts";
import type { TarEntry, TarHandler } from "../../tar/parser.ts";
import { accessBytes, FileAccess, type RandomAccess } from "../../check/random_access.ts";
import { isWindows, mayBeClassified } from "./classifiers.ts";
import type { LayerPackages } from "./found.ts";
import { type FileKind, fileKind, LayerBook, maxTextBytes } from "./layer_book.ts";

/* Loaded late: SQLite, which few images need. */
const rpmModule = () => import("./rpm_database.ts");

/** Files up to this size stay in memory while they are read. */
const MEMORY_BYTES = 8 * 1024 * 1024;
/** A smaller file is no program. */
const MIN_PROGRAM_BYTES = 64;
/** Bytes that tell whether a file is ELF. */
const HEAD_BYTES = 4;

/**
 * Whether a file is looked into: it can be executed, has a library's name or none with a dot, or lies where
 * commands do. It is noted although it may say nothing, for a lower layer may have a program there.
 */
function isPlaceOfProgram(path: string, mode: number): boolean {
  return (mode & 0o111) !== 0 ||
    /\.(?:so(?:\.[^/]*)?|node|exe)$|(?:^|\/)[^./]+$|(?:^|\/)s?bin\/[^/]+$/.test(path) ||
    mayBeClassified(path);
}

/** Options of {@linkcode readBlobPackages}. */
export interface BlobPackagesOptions extends LayerReadOptions {
  /** The diff ID that the tar must have. */
  readonly diffId: DiffId;
}

/**
 * Reads a layer blob.
 *
 * @throws {MiseOciError} as reading a layer; `integrity` if the diff ID is another.
 */
export async function readBlobPackages(
  blob: ReadableStream<Uint8Array>,
  mediaType: string,
  options: BlobPackagesOptions,
): Promise<LayerPackages> {
  using collector = new Collector();
  await readVerifiedLayer(blob, { ...options, mediaType, handler: collector });
  return await collector.finish();
}

/** The content of the current file, as much as matters. */
interface Current {
  readonly path: string;
  readonly kind: FileKind;
  readonly size: number;
  into: Uint8Array | "file";
  filled: number;
}

/** What a path means if it is a whiteout; a reserved name without meaning removes nothing. */
function whiteoutOf(path: string): ReturnType<typeof maybeWhiteout> {
  try {
    return maybeWhiteout(path);
  } catch (error) {
    if (error instanceof RangeError) return { type: "metadata" };
    throw error;
  }
}

class Collector implements TarHandler, Disposable {
  readonly #book = new LayerBook();
  readonly #databases: { readonly path: string; readonly file: string }[] = [];
  readonly #temporary: string[] = [];
  #spill: { readonly path: string; readonly fd: number } | undefined;
  #current: Current | undefined;

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
    const text = kind !== "program" && kind !== "rpm";
    if (kind === "unread" || (text && size > maxTextBytes(kind))) return false;
    if (kind === "program") {
      if (!isPlaceOfProgram(path, mode)) return false;
      if (size < MIN_PROGRAM_BYTES) {
        this.#book.nothing(path);
        return false;
      }
    }
    const into = kind === "rpm" ? "file" : new Uint8Array(text ? size : HEAD_BYTES);
    this.#current = { path, kind, size, into, filled: 0 };
    return true;
  }

  data(chunk: Uint8Array): void {
    const current = this.#current;
    if (current === undefined) return;
    for (let rest = chunk; rest.length > 0;) {
      if (current.into === "file") {
        this.#write(rest, current.filled);
        current.filled += rest.length;
        return;
      }
      const part = rest.subarray(0, current.into.length - current.filled);
      current.into.set(part, current.filled);
      current.filled += part.length;
      rest = rest.subarray(part.length);
      if (current.filled < current.into.length || rest.length === 0) continue;
      if (!this.#wantsMore(current)) return;
    }
  }

  /** Makes room for the rest of a program; of other files the beginning is enough. */
  #wantsMore(current: Current): boolean {
    const { into, path, size } = current;
    if (into === "file" || into.length === size) return into === "file";
    if (!isElf(into) && !mayBeClassified(path) && !isWindows(path)) {
      this.#book.nothing(path);
      this.#current = undefined;
      return false;
    }
    if (size <= MEMORY_BYTES) {
      current.into = new Uint8Array(size);
      current.into.set(into);
      return true;
    }
    current.into = "file";
    this.#write(into, 0);
    return true;
  }

  #write(bytes: Uint8Array, offset: number): void {
    if (this.#spill === undefined) {
      const path = Deno.makeTempFileSync({ prefix: "mise-oci-sbom-" });
      this.#temporary.push(path);
      this.#spill = { path, fd: fs.openSync(path, "r+") };
    }
    for (let done = 0; done < bytes.length;) {
      done += fs.writeSync(this.#spill.fd, bytes, done, bytes.length - done, offset + done);
    }
  }

  end(): void {
    const current = this.#current;
    this.#current = undefined;
    if (current === undefined) return;
    const { path, kind, into, size } = current;
    if (kind === "rpm") {
      if (this.#spill === undefined) return this.#book.nothing(path);
      fs.ftruncateSync(this.#spill.fd, size);
      fs.closeSync(this.#spill.fd);
      this.#databases.push({ path, file: this.#spill.path });
      this.#spill = undefined;
      return;
    }
    if (kind === "program") {
      const access = into === "file"
        ? new FileAccess(this.#spill?.fd ?? -1, size)
        : accessBytes(into);
      return this.#book.program(path, access, isElf(access.read(0, HEAD_BYTES)));
    }
    if (into !== "file") this.#book.text(path, kind, new TextDecoder().decode(into));
  }

  /** Reads the databases, which is done by a module that few images need. */
  async finish(): Promise<LayerPackages> {
    for (const { path, file } of this.#databases) await readDatabase(this.#book, path, file);
    return this.#book.result();
  }

  [Symbol.dispose](): void {
    if (this.#spill !== undefined) fs.closeSync(this.#spill.fd);
    for (const path of this.#temporary) Deno.removeSync(path);
  }
}

async function readDatabase(book: LayerBook, path: string, file: string): Promise<void> {
  try {
    const { readRpmDatabase } = await rpmModule();
    book.packages(path, await readRpmDatabase(file));
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw error;
    book.unread(path); // damaged, or no SQLite
  }
}

function withAccess<T>(entry: LayerEntry, use: (access: RandomAccess) => T): T {
  if (entry.content !== undefined) return use(accessBytes(entry.content));
  const { path = "", size = 0 } = entry.host ?? {};
  const fd = fs.openSync(path, "r");
  try {
    return use(new FileAccess(fd, size));
  } finally {
    fs.closeSync(fd);
  }
}

/**
 * Reads what the entries of a layer say from the host, a few pages of each file. Content that is rewritten
 * for the image names the same packages.
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
      const bytes = withAccess(entry, (access) => access.read(0, access.size).slice());
      book.text(path, kind, new TextDecoder().decode(bytes));
    } else if (isPlaceOfProgram(path, mode)) readProgram(book, entry, size);
  }
  return book.result();
}

function readProgram(book: LayerBook, entry: LayerEntry, size: number): void {
  const { path } = entry;
  if (size < MIN_PROGRAM_BYTES) return book.nothing(path);
  withAccess(entry, (access) => {
    const elf = isElf(access.read(0, HEAD_BYTES));
    if (elf || mayBeClassified(path) || isWindows(path)) book.program(path, access, elf);
    else book.nothing(path);
  });
}
