/**
 * Facts of a layer from the host files that it was made of, without its blob: reads the few pages of each
 * program that matter.
 * @module
 */
import fs from "node:fs";
import type { LayerEntry, LayerTree } from "../layer/mod.ts";
import { maybeRelocateShebang } from "../layer/relocate.ts";
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
import { accessBytes, FileAccess, type RandomAccess } from "./random_access.ts";
import { SCRIPT_BYTES } from "./script_body.ts";

/** The program in a file; its `#!` line as it is in the layer. */
function programOf(path: string, access: RandomAccess, tree: LayerTree): Program {
  const head = access.read(0, HEAD_BYTES);
  const relocated = maybeRelocateShebang(head, tree.relocations);
  if (relocated === undefined) return readProgram(path, head, () => access);
  const { bytes, replaced } = relocated;
  const size = access.size - replaced + bytes.length;
  const rest = access.read(replaced, Math.min(access.size, SCRIPT_BYTES) - replaced);
  return readProgram(
    path,
    bytes,
    () => ({ ...accessBytes(new Uint8Array([...bytes, ...rest])), size }),
  );
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
 * Reads what the entries of a layer are from the host.
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
      const bytes = withAccess(source, (access) => access.read(0, access.size).slice());
      const isCache = path === LOADER_CACHE;
      texts.set(path, isCache ? parseLoaderCache(bytes) : new TextDecoder().decode(bytes));
    } else if (mayBeProgram(path, mode)) {
      const program = withAccess(source, (access) => programOf(path, access, tree));
      if (program.kind !== "other") programs.set(entry, program);
    }
  }
  return { entries, programs, texts };
}
