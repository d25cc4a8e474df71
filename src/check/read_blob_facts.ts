/**
 * Facts of a layer from its blob: one pass, memory bounded. A large ELF file, whose tables can be anywhere in
 * it, goes through a temporary file; where none can be written nothing is known of it.
 * @module
 */
import fs from "node:fs";
import type { DiffId } from "../oci/mod.ts";
import { isElf } from "../layer/elf_paths.ts";
import { type LayerReadOptions, readVerifiedLayer } from "../layer/read/mod.ts";
import type { TarEntry, TarHandler } from "../tar/parser.ts";
import {
  type FactsEntry,
  factsEntry,
  keepsText,
  KEPT_BYTES,
  type LayerFacts,
  LOADER_CACHE,
  mayBeProgram,
} from "./layer_facts.ts";
import { parseLoaderCache } from "./loader_cache.ts";
import { HEAD_BYTES, type Program, readProgram } from "./program.ts";
import { accessBytes, FileAccess } from "./random_access.ts";
import { SCRIPT_BYTES } from "./script_body.ts";

/** ELF files up to this size stay in memory while they are read. */
const MEMORY_BYTES = 8 * 1024 * 1024;

/** Options of {@linkcode readBlobFacts}. */
export interface BlobFactsOptions extends LayerReadOptions {
  /** The diff ID that the tar must have. */
  readonly diffId: DiffId;
}

/**
 * Reads a layer blob.
 *
 * @throws {MiseOciError} as reading a layer; `integrity` if the diff ID is another.
 */
export async function readBlobFacts(
  blob: ReadableStream<Uint8Array>,
  mediaType: string,
  options: BlobFactsOptions,
): Promise<LayerFacts> {
  using collector = new FactsCollector();
  await readVerifiedLayer(blob, { ...options, mediaType, handler: collector });
  return collector;
}

/** The content of the current file, as much as matters. */
interface Current {
  readonly entry: FactsEntry;
  readonly size: number;
  readonly text: boolean;
  into: Uint8Array | "file";
  filled: number;
}

/** Collects the facts of a layer that somebody else reads. */
export class FactsCollector implements LayerFacts, TarHandler, Disposable {
  /** Entries so far. */
  readonly entries: FactsEntry[] = [];
  /** Programs so far. */
  readonly programs = new Map<FactsEntry, Program>();
  /** Texts so far. */
  readonly texts = new Map<string, string>();
  #current: Current | undefined;
  readonly #makeTempFile: () => string;
  #spill: { readonly path: string; readonly fd: number } | undefined;

  /** @param makeTempFile makes an empty file and gives its path. */
  constructor(makeTempFile = () => Deno.makeTempFileSync({ prefix: "mise-oci-check-" })) {
    this.#makeTempFile = makeTempFile;
  }

  /** Takes an entry. */
  entry(entry: TarEntry): boolean {
    const { path, type, mode, size, linkTarget } = entry;
    const kept = factsEntry({ path, type, mode, link: linkTarget });
    this.entries.push(kept);
    const text = keepsText(path);
    if (text) this.texts.delete(path);
    const wanted = type === "file" && (text ? size <= KEPT_BYTES : mayBeProgram(path, mode));
    if (!wanted) return false;
    const into = new Uint8Array(text ? size : Math.min(size, HEAD_BYTES));
    this.#current = { entry: kept, size, text, into, filled: 0 };
    return true;
  }

  /** Takes content. */
  data(chunk: Uint8Array): void {
    const current = this.#current;
    if (current === undefined) return;
    for (let rest = chunk; rest.length > 0;) {
      if (current.into === "file") {
        if (this.#spilled(rest, current.filled)) current.filled += rest.length;
        else this.#current = undefined;
        return;
      }
      const part = rest.subarray(0, current.into.length - current.filled);
      current.into.set(part, current.filled);
      current.filled += part.length;
      rest = rest.subarray(part.length);
      if (current.filled < current.into.length || this.#more(current)) continue;
      return;
    }
  }

  /** Makes room for the rest of an ELF file or a short script; of others the beginning is enough. */
  #more(current: Current): boolean {
    const { into, size } = current;
    if (into === "file" || into.length === size) return false;
    const isShortScript = size <= SCRIPT_BYTES && into[0] === 0x23 && into[1] === 0x21;
    if (!isShortScript && !isElf(into)) return false;
    if (size <= MEMORY_BYTES) {
      current.into = new Uint8Array(size);
      current.into.set(into);
      return true;
    }
    current.into = "file";
    if (this.#spilled(into, 0)) return true;
    this.#current = undefined;
    return false;
  }

  /** Writes to the temporary file. Returns whether that could be done. */
  #spilled(bytes: Uint8Array, offset: number): boolean {
    try {
      writeFully(this.#file().fd, bytes, offset);
      return true;
    } catch {
      return false; // no place for temporary files, or no room in it
    }
  }

  #file(): { readonly path: string; readonly fd: number } {
    if (this.#spill === undefined) {
      const path = this.#makeTempFile();
      this.#spill = { path, fd: fs.openSync(path, "r+") };
    }
    return this.#spill;
  }

  /** Takes the end of the content. */
  end(): void {
    const current = this.#current;
    this.#current = undefined;
    if (current === undefined) return;
    const { entry, into, text, size } = current;
    if (text && into !== "file") {
      const isCache = entry.path === LOADER_CACHE;
      this.texts.set(
        entry.path,
        isCache ? parseLoaderCache(into) : new TextDecoder().decode(into),
      );
      return;
    }
    const access = into === "file"
      ? new FileAccess(this.#file().fd, size)
      : { ...accessBytes(into), size };
    const head = access.read(0, HEAD_BYTES);
    const program = readProgram(entry.path, head, () => access);
    if (program.kind !== "other") this.programs.set(entry, program);
  }

  /** Removes the temporary file. */
  [Symbol.dispose](): void {
    if (this.#spill === undefined) return;
    fs.closeSync(this.#spill.fd);
    Deno.removeSync(this.#spill.path);
    this.#spill = undefined;
  }
}

function writeFully(fd: number, bytes: Uint8Array, offset: number): void {
  for (let done = 0; done < bytes.length;) {
    done += fs.writeSync(fd, bytes, done, bytes.length - done, offset + done);
  }
}
