/**
 * Reads the facts of a layer from its blob, in one pass and with bounded memory. A large ELF file, whose
 * tables can be anywhere in it, is written to a temporary file; if that fails, the file is treated as
 * unknown.
 * @module
 */
import { isElf } from "../../layer/relocate/elf_paths.ts";
import type { DiffId } from "../../oci/mod.ts";
import { type LayerReadOptions, readVerifiedLayer } from "../../layer/read/mod.ts";
import type { TarEntry } from "../../tar/parser.ts";
import { ContentCollector, type ContentWish, type EntryReader } from "./collected_content.ts";
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
import type { RandomAccess } from "../elf/random_access.ts";
import { SCRIPT_BYTES } from "./script_body.ts";

/** Options of {@linkcode readBlobFacts}. */
export interface BlobFactsOptions extends LayerReadOptions {
  /** The expected diff ID of the tar. */
  readonly diffId: DiffId;
}

/**
 * Reads a layer blob.
 *
 * @throws {MiseOciError} as reading a layer; `integrity` if the diff ID differs.
 */
export async function readBlobFacts(
  blob: ReadableStream<Uint8Array>,
  mediaType: string,
  options: BlobFactsOptions,
): Promise<LayerFacts> {
  const facts = new FactsCollector();
  using handler = new ContentCollector([facts]);
  await readVerifiedLayer(blob, { ...options, mediaType, handler });
  return facts;
}

/** The number of bytes of a file that are parsed: all of an ELF file, the first lines of a script. */
function neededBytes(head: Uint8Array): number {
  if (isElf(head)) return Infinity;
  return head[0] === 0x23 && head[1] === 0x21 ? SCRIPT_BYTES : HEAD_BYTES;
}

/** Collects the facts of a layer from the content that {@linkcode ContentCollector} reads. */
export class FactsCollector implements LayerFacts, EntryReader {
  /** Entries so far. */
  readonly entries: FactsEntry[] = [];
  /** Programs so far. */
  readonly programs = new Map<FactsEntry, Program>();
  /** Texts so far. */
  readonly texts = new Map<string, string>();

  /** Receives an entry. */
  entry({ path, type, mode, size, linkTarget }: TarEntry): ContentWish | undefined {
    const entry = factsEntry({ path, type, mode, link: linkTarget });
    this.entries.push(entry);
    const text = keepsText(path);
    if (text) this.texts.delete(path);
    if (type !== "file") return undefined;
    if (!text) {
      return mayBeProgram(path, mode)
        ? {
          needed: neededBytes,
          optional: true,
          take: (access) => this.#program(entry, access),
        }
        : undefined;
    }
    if (size > KEPT_BYTES) return undefined;
    return { needed: () => size, optional: true, take: (access) => this.#text(path, access) };
  }

  #text(path: string, access: RandomAccess): void {
    const bytes = access.read(0, access.size);
    const isCache = path === LOADER_CACHE;
    this.texts.set(path, isCache ? parseLoaderCache(bytes) : new TextDecoder().decode(bytes));
  }

  #program(entry: FactsEntry, access: RandomAccess): void {
    const program = readProgram(entry.path, access.read(0, HEAD_BYTES), () => access);
    if (program.kind !== "other") this.programs.set(entry, program);
  }
}
