/**
 * What a layer says about whether programs start: its paths, and what its programs and libraries ask for.
 * Made by reading the layer once, kept by its diff ID.
 * @module
 */
import type { IndexedEntry } from "../layer/read/mod.ts";
import type { Program } from "./program.ts";

/** An entry of a layer; owners and sizes do not matter here and are 0. */
export type FactsEntry = IndexedEntry;

/** What a layer says. */
export interface LayerFacts {
  /** Its entries in the order of the archive. */
  readonly entries: readonly FactsEntry[];
  /** What the executable files and libraries among them are; `other` is left out. */
  readonly programs: ReadonlyMap<FactsEntry, Program>;
  /** The text of the files that {@linkcode keepsText} names, by path. */
  readonly texts: ReadonlyMap<string, string>;
}

const KEPT = new Set(["etc/os-release", "usr/lib/os-release", "etc/ld.so.conf"]);
const KEPT_PATTERN = /^etc\/(?:ld-musl-[^/]+\.path|ld\.so\.conf\.d\/[^/]+\.conf)$/;
/** The loader's cache, which is kept as {@linkcode parseLoaderCache} gives it. */
export const LOADER_CACHE = "etc/ld.so.cache";

/** Most bytes of a text that is kept. */
export const KEPT_BYTES = 4 * 1024 * 1024;

/** Whether the text of a file matters. */
export function keepsText(path: string): boolean {
  return KEPT.has(path) || path === LOADER_CACHE || KEPT_PATTERN.test(path);
}

/** Whether a file is looked into: it can be executed, has a library's name, or is where commands are. */
export function mayBeProgram(path: string, mode: number): boolean {
  return (mode & 0o111) !== 0 || /\.(?:so(?:\.[^/]*)?|node)$|(?:^|\/)s?bin\/[^/]+$/.test(path);
}

const FORMAT = 3;
const TYPES: readonly IndexedEntry["type"][] = [
  "file",
  "directory",
  "symlink",
  "hardlink",
  "character-device",
  "block-device",
  "fifo",
];
type Row = [path: string, type: number, mode: number, link?: string];

/** The compact JSON of facts. */
export function encodeFacts(facts: LayerFacts): string {
  const entries = facts.entries.map(({ path, type, mode, link }): Row => {
    const row: Row = [path, TYPES.indexOf(type), mode];
    if (link !== undefined) row.push(link);
    return row;
  });
  const programs = facts.entries.flatMap((entry, at) => {
    const program = facts.programs.get(entry);
    return program === undefined ? [] : [[at, program]];
  });
  return JSON.stringify({ format: FORMAT, entries, programs, texts: [...facts.texts] });
}

/** An entry without what does not matter. */
export function factsEntry(
  entry: Pick<IndexedEntry, "path" | "type" | "mode"> & { readonly link?: string | undefined },
): FactsEntry {
  const { path, type, mode, link } = entry;
  return { path, type, mode, uid: 0, gid: 0, size: 0, ...(link === undefined ? {} : { link }) };
}

/** Parses what {@linkcode encodeFacts} gave; `undefined` if it is damaged or of another version. */
export function maybeParseFacts(text: unknown): LayerFacts | undefined {
  if (typeof text !== "string") return undefined;
  try {
    const { format, entries: rows, programs, texts } = JSON.parse(text);
    if (format !== FORMAT) return undefined;
    const entries = rows.map(([path, at, mode, link]: Row): FactsEntry => {
      const type = TYPES[at];
      if (typeof path !== "string" || type === undefined) throw new TypeError();
      return factsEntry({ path, type, mode, link });
    });
    return {
      entries,
      programs: new Map(programs.map(([at, program]: [number, Program]) => [entries[at], program])),
      texts: new Map(texts),
    };
  } catch {
    return undefined; // a cache entry that cannot be read is no entry
  }
}
