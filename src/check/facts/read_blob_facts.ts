/**
 * Reads the facts of a layer from its blob, in one pass and with bounded memory. A large ELF file, whose
 * tables can be anywhere in it, is written to a temporary file; if that fails, the file is treated as
 * unknown.
 * @module
 */
import { isElf } from "../../layer/relocate/elf_paths.ts";
import type { DiffId } from "../../oci/mod.ts";
import { type LayerReadOptions, readVerifiedLayer } from "../../layer/read/mod.ts";
import type { TarEntry, TarHandler } from "../../tar/parser.ts";
import { CollectedContent, SpillFile } from "./collected_content.ts";
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
  using collector = new FactsCollector();
  await readVerifiedLayer(blob, { ...options, mediaType, handler: collector });
  return collector;
}

/** The current file and its content as far as needed. */
interface Current {
  readonly entry: FactsEntry;
  readonly text: boolean;
  readonly content: CollectedContent;
}

/** Whether the whole file is needed: for an ELF file or a short script. */
function wantsRest(head: Uint8Array, size: number): boolean {
  const isShortScript = size <= SCRIPT_BYTES && head[0] === 0x23 && head[1] === 0x21;
  return isShortScript || isElf(head);
}

/** Collects the facts of a layer while it is read. */
export class FactsCollector implements LayerFacts, TarHandler, Disposable {
  /** Entries so far. */
  readonly entries: FactsEntry[] = [];
  /** Programs so far. */
  readonly programs = new Map<FactsEntry, Program>();
  /** Texts so far. */
  readonly texts = new Map<string, string>();
  #current: Current | undefined;
  readonly #spill: SpillFile;

  /** @param makeTempFile creates an empty file and returns its path. */
  constructor(makeTempFile = () => Deno.makeTempFileSync({ prefix: "mise-oci-check-" })) {
    this.#spill = new SpillFile(makeTempFile);
  }

  /** Receives an entry. */
  entry(entry: TarEntry): boolean {
    const { path, type, mode, size, linkTarget } = entry;
    const kept = factsEntry({ path, type, mode, link: linkTarget });
    this.entries.push(kept);
    const text = keepsText(path);
    if (text) this.texts.delete(path);
    const wanted = type === "file" && (text ? size <= KEPT_BYTES : mayBeProgram(path, mode));
    if (!wanted) return false;
    const content = new CollectedContent({
      size,
      head: text ? size : HEAD_BYTES,
      wantsRest: (head) => wantsRest(head, size),
      spill: this.#spill,
    });
    this.#current = { entry: kept, text, content };
    return true;
  }

  /** Receives content. */
  data(chunk: Uint8Array): void {
    try {
      this.#current?.content.write(chunk);
    } catch {
      this.#current = undefined; // no temporary file, or no space for it
    }
  }

  /** Receives the end of the content. */
  end(): void {
    const current = this.#current;
    this.#current = undefined;
    if (current === undefined) return;
    const { entry, text, content } = current;
    const access = content.access();
    if (text) {
      const bytes = access.read(0, access.size);
      const isCache = entry.path === LOADER_CACHE;
      this.texts.set(
        entry.path,
        isCache ? parseLoaderCache(bytes) : new TextDecoder().decode(bytes),
      );
      return;
    }
    const program = readProgram(entry.path, access.read(0, HEAD_BYTES), () => access);
    if (program.kind !== "other") this.programs.set(entry, program);
  }

  /** Removes the temporary file. */
  [Symbol.dispose](): void {
    this.#spill[Symbol.dispose]();
  }
}
