/**
 * Reads the facts of a layer from the host files it is built from, without its blob: only a few pages of
 * each program are read.
 * @module
 */
import type { LayerTree } from "../../layer/mod.ts";
import { applyPatches, elfPatches, isElf } from "../../layer/relocate/elf_paths.ts";
import {
  contentMap,
  maybeRelocateShebang,
  maybeShebang,
  rebaseContent,
} from "../../layer/relocate/relocate.ts";
import {
  type FactsEntry,
  factsEntry,
  keepsText,
  type LayerFacts,
  LOADER_CACHE,
  mayBeProgram,
} from "./layer_facts.ts";
import { parseLoaderCache } from "./loader_cache.ts";
import { HEAD_BYTES, type Program, readProgram } from "./program.ts";
import { accessBytes, type RandomAccess, withEntryAccess } from "../elf/random_access.ts";
import { SCRIPT_BYTES } from "./script_body.ts";

/** A script as it will be in the layer: with its `#!` line and text relocated. */
function scriptOf(path: string, access: RandomAccess, { relocations }: LayerTree): Program {
  // Relocation shortens paths, so more is read than is parsed.
  const start = access.read(0, Math.min(access.size, 2 * SCRIPT_BYTES));
  const relocated = maybeRelocateShebang(start, relocations);
  const { bytes, replaced } = relocated ?? { bytes: new Uint8Array(0), replaced: 0 };
  // One character per byte, to keep them: "latin1" of TextDecoder is windows-1252.
  const text = String.fromCharCode(...start.subarray(replaced));
  const body = Uint8Array.from(
    rebaseContent(text, contentMap(relocations)),
    (character) => character.charCodeAt(0),
  );
  const all = new Uint8Array([...bytes, ...body]);
  const size = access.size - start.length + all.length;
  return readProgram(path, all.subarray(0, HEAD_BYTES), () => ({ ...accessBytes(all), size }));
}

/** The program in a file as it will be in the layer: texts, loader and search paths are relocated. */
function programOf(path: string, access: RandomAccess, tree: LayerTree): Program {
  const head = access.read(0, HEAD_BYTES);
  if (tree.relocations.rules.length === 0) return readProgram(path, head, () => access);
  if (!isElf(head)) {
    return maybeShebang(head) === undefined
      ? readProgram(path, head, () => access)
      : scriptOf(path, access, tree);
  }
  const patches = elfPatches(
    (offset, length) => access.read(offset, length),
    { file: `/${path}`, map: contentMap(tree.relocations) },
  );
  if (patches.length === 0) return readProgram(path, head, () => access);
  const read = (offset: number, length: number): Uint8Array => {
    const bytes = access.read(offset, length).slice();
    applyPatches(bytes, offset, patches);
    return bytes;
  };
  return readProgram(path, head, () => ({ size: access.size, read }));
}

/**
 * Reads the facts of a layer's entries from the host.
 *
 * @throws {Error} of the file system for a file that vanished or cannot be read.
 */
export function readTreeFacts(tree: LayerTree): LayerFacts {
  const entries: FactsEntry[] = [];
  const programs = new Map<FactsEntry, Program>();
  const texts = new Map<string, string>();
  for (const source of tree.entries) {
    const { path, type, mode, target } = source;
    const link = target === "" ? undefined : target;
    const entry = factsEntry({ path, type, mode, link });
    entries.push(entry);
    if (type !== "file") continue;
    if (keepsText(path)) {
      const bytes = withEntryAccess(source, (access) => access.read(0, access.size).slice());
      const isCache = path === LOADER_CACHE;
      texts.set(path, isCache ? parseLoaderCache(bytes) : new TextDecoder().decode(bytes));
    } else if (mayBeProgram(path, mode)) {
      const program = withEntryAccess(source, (access) => programOf(path, access, tree));
      if (program.kind !== "other") programs.set(entry, program);
    }
  }
  return { entries, programs, texts };
}
