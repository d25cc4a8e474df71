/**
 * The dynamic section of an ELF file, which the loader reads.
 * @module
 */
import type { ElfView, Segment } from "./elf_view.ts";

/** The relevant entries of the dynamic section. */
export interface DynamicTable {
  /** `DT_NEEDED`, in order. */
  readonly needed: readonly string[];
  /** `DT_SONAME`. */
  readonly soname?: string;
  /** `DT_RPATH`. */
  readonly rpath?: string;
  /** `DT_RUNPATH`. */
  readonly runpath?: string;
  /** `DF_1_NODEFLIB`. */
  readonly noDefaultDirectories: boolean;
  /** The list at `DT_VERNEED`. */
  readonly needs?: Table;
  /** The list at `DT_VERDEF`. */
  readonly definitions?: Table;
  /** Reads a text of the string table. @throws {ElfError} */
  string(index: number): string;
}

/** A list in the file. */
export interface Table {
  /** Offset in the file. */
  readonly offset: number;
  /** Number of entries according to the file. */
  readonly count: number;
}

const TAG = {
  needed: 1,
  strings: 5,
  stringBytes: 10,
  soname: 14,
  rpath: 15,
  runpath: 29,
  flags1: 0x6ffffffb,
  definitions: 0x6ffffffc,
  definitionCount: 0x6ffffffd,
  needs: 0x6ffffffe,
  needCount: 0x6fffffff,
} as const;
const NO_DEFAULT_DIRECTORIES = 0x800;
const MAX_ENTRIES = 8192;
const MAX_NEEDED = 2048;
const MAX_NAME = 4096;
const MAX_PATH = 64 * 1024;
/** Limit on the total size of a file's names; libstdc++ has some 4,000 bytes. */
const MAX_NAMES = 1024 * 1024;

/** The entries of the dynamic section, up to `DT_NULL`. */
function entries(view: ElfView, segment: Segment): readonly (readonly [number, number])[] {
  const size = view.bits === 64 ? 16 : 8;
  const count = Math.min(Math.floor(segment.fileSize / size), MAX_ENTRIES);
  const found: [number, number][] = [];
  for (let i = 0; i < count; i++) {
    const entry = view.view(segment.offset + i * size, size);
    const tag = view.word(entry, 0);
    if (tag === 0) return found;
    found.push([tag, view.word(entry, size / 2)]);
  }
  if (count === MAX_ENTRIES) view.fail(`it has more than ${MAX_ENTRIES} dynamic entries`);
  return found;
}

/** Converts an address to a file offset. @throws {ElfError} if it is in no segment. */
function fileOffset(view: ElfView, address: number, segments: readonly Segment[]): number {
  for (const segment of segments) {
    const within = address - segment.address;
    if (segment.kind === "load" && within >= 0 && within < segment.fileSize) {
      return segment.offset + within;
    }
  }
  return view.fail("its dynamic section leads out of the file");
}

/** Reads the dynamic section. @throws {ElfError} */
export function readDynamic(
  view: ElfView,
  dynamic: Segment,
  segments: readonly Segment[],
): DynamicTable {
  const all = entries(view, dynamic);
  const last = new Map(all);
  const strings = last.get(TAG.strings);
  const stringBytes = last.get(TAG.stringBytes) ?? Infinity;
  const stringsAt = strings === undefined ? undefined : fileOffset(view, strings, segments);
  let left = MAX_NAMES;
  const text = (index: number, limit: number): string => {
    if (stringsAt === undefined) return view.fail("it has no string table");
    if (index >= stringBytes) view.fail("it has a name outside of its string table");
    const found = view.text(stringsAt + index, limit);
    left -= found.length;
    if (left < 0) view.fail(`its names have more than ${MAX_NAMES} bytes`);
    return found;
  };
  const maybeText = (tag: number, limit: number): string | undefined => {
    const index = last.get(tag);
    return index === undefined ? undefined : text(index, limit);
  };
  const table = (tag: number, countTag: number): Table | undefined => {
    const address = last.get(tag);
    if (address === undefined) return undefined;
    return { offset: fileOffset(view, address, segments), count: last.get(countTag) ?? 0 };
  };
  const needed = all.filter(([tag]) => tag === TAG.needed);
  if (needed.length > MAX_NEEDED) view.fail(`it needs more than ${MAX_NEEDED} libraries`);
  const optional = {
    soname: maybeText(TAG.soname, MAX_NAME),
    rpath: maybeText(TAG.rpath, MAX_PATH),
    runpath: maybeText(TAG.runpath, MAX_PATH),
    needs: table(TAG.needs, TAG.needCount),
    definitions: table(TAG.definitions, TAG.definitionCount),
  };
  return {
    needed: needed.map(([, index]) => text(index, MAX_NAME)),
    noDefaultDirectories: hasBit(last.get(TAG.flags1) ?? 0, NO_DEFAULT_DIRECTORIES),
    string: (index) => text(index, MAX_NAME),
    ...withoutUndefined(optional),
  };
}

function hasBit(flags: number, bit: number): boolean {
  return Math.floor(flags / bit) % 2 === 1;
}

function withoutUndefined<T extends object>(
  object: T,
): { readonly [K in keyof T]?: Exclude<T[K], undefined> } {
  const entries = Object.entries(object).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { readonly [K in keyof T]?: Exclude<T[K], undefined> };
}
