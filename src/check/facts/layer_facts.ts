/**
 * The facts of a layer that determine whether programs start: its paths, and what its programs and
 * libraries need. A layer is read once; facts are cached by its diff ID.
 * @module
 */
import { OS_RELEASE_FILES } from "../../oci/os_release.ts";
import type { IndexedEntry } from "../../layer/read/mod.ts";
import type { Program } from "./program.ts";

/** An entry of a layer; owner and size are not needed and are 0. */
export type FactsEntry = IndexedEntry;

/** The facts of a layer. */
export interface LayerFacts {
  /** Its entries in archive order. */
  readonly entries: readonly FactsEntry[];
  /** Executable files and libraries among the entries, without `other`. */
  readonly programs: ReadonlyMap<FactsEntry, Program>;
  /** The text of files for which {@linkcode keepsText} is true, by path. */
  readonly texts: ReadonlyMap<string, string>;
}

const KEPT: ReadonlySet<string> = new Set([...OS_RELEASE_FILES, "etc/ld.so.conf"]);
const KEPT_PATTERN = /^etc\/(?:ld-musl-[^/]+\.path|ld\.so\.conf\.d\/[^/]+\.conf)$/;
/** The loader's cache, stored in the form of {@linkcode parseLoaderCache}. */
export const LOADER_CACHE = "etc/ld.so.cache";

/** Size limit for stored texts. */
export const KEPT_BYTES = 4 * 1024 * 1024;

/** Whether the text of a file is needed. */
export function keepsText(path: string): boolean {
  return KEPT.has(path) || path === LOADER_CACHE || KEPT_PATTERN.test(path);
}

/**
 * Whether a file may be a program: it is executable, has a library's name, or is in a directory of
 * commands.
 */
export function mayBeProgram(path: string, mode: number): boolean {
  return (mode & 0o111) !== 0 || /\.(?:so(?:\.[^/]*)?|node)$|(?:^|\/)s?bin\/[^/]+$/.test(path);
}

const FORMAT = 4;
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

/** Encodes facts as compact JSON. */
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

/** Creates an entry without the fields that are not needed. */
export function factsEntry(
  entry: Pick<IndexedEntry, "path" | "type" | "mode"> & { readonly link?: string | undefined },
): FactsEntry {
  const { path, type, mode, link } = entry;
  return { path, type, mode, uid: 0, gid: 0, size: 0, ...(link === undefined ? {} : { link }) };
}

/** Parses the result of {@linkcode encodeFacts}; `undefined` if it is damaged or in another format. */
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
    return undefined; // an unreadable cache entry counts as missing
  }
}
