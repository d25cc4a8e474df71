/**
 * Rewrites host directories in ELF files: the loader (PT_INTERP) and the library search paths (DT_RPATH,
 * DT_RUNPATH). They are replaced in place by texts that are not longer, so that nothing in the file moves.
 * Pure.
 * @module
 */
import { isWithin } from "../../paths.ts";
import * as posix from "@std/path/posix";
import { maybeRebase, type RelocationMap } from "./relocate.ts";

/** Replacement bytes, of the same length. */
export interface Patch {
  /** Their offset. */
  readonly offset: number;
  /** The new bytes. */
  readonly bytes: Uint8Array;
}

/** Reads bytes of a file; fewer at its end. */
export type ReadAt = (offset: number, length: number) => Uint8Array;

/** More than any real file needs. */
const MAX_TABLE = 1 << 20;
const MAX_STRING = 8192;
const PT_LOAD = 1;
const PT_DYNAMIC = 2;
const PT_INTERP = 3;
const DT_STRTAB = 5;
const DT_STRSZ = 10;
/** Tags whose value is an offset in the string table: NEEDED, SONAME, RPATH, RUNPATH. */
const DT_NAMES = new Set([1, 14, 15, 29]);
const DT_PATHS = new Set([15, 29]);

/** Whether bytes start an ELF file. */
export function isElf(head: Uint8Array): boolean {
  return head[0] === 0x7f && head[1] === 0x45 && head[2] === 0x4c && head[3] === 0x46;
}

/**
 * Rebases a list of library directories. Those within the layer's own trees become relative to the file,
 * `$ORIGIN/../lib`, which is short and independent of where the tree is.
 *
 * @param file Absolute image path of the file.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { rebaseSearchPath } from "./elf_paths.ts";
 * import { relocationMap } from "./relocate.ts";
 *
 * const map = relocationMap([{ host: "/d/installs/t/1", image: "/m/t/1" }], ["/m/t/1"]);
 * assertEquals(rebaseSearchPath("/d/installs/t/1/lib:/usr/lib", "/m/t/1/bin/x", map), "$ORIGIN/../lib:/usr/lib");
 * ```
 */
export function rebaseSearchPath(list: string, file: string, map: RelocationMap): string {
  return list.split(":").map((directory) => {
    const rebased = directory.startsWith("/") ? maybeRebase(directory, map) : undefined;
    if (rebased === undefined || rebased === directory) return directory;
    if (!map.own.some((root) => isWithin(rebased, root))) return rebased;
    const relative = posix.relative(posix.dirname(file), rebased);
    return relative === "" ? "$ORIGIN" : `$ORIGIN/${relative}`;
  }).join(":");
}

/**
 * The changes of an ELF file by relocation. Damaged files and paths that would become longer are left
 * unchanged.
 *
 * @param file Absolute image path.
 * @param noted Receives each list and path.
 */
export function elfPatches(
  read: ReadAt,
  { file, map, noted }: {
    readonly file: string;
    readonly map: RelocationMap;
    readonly noted?: (path: string) => void;
  },
): readonly Patch[] {
  const elf = maybeLayout(read);
  if (elf === undefined) return [];
  const patches: Patch[] = [];
  const replace = ({ offset, text }: ElfString, after: string): void => {
    noted?.(text);
    if (after === text) return;
    const bytes = new Uint8Array(byteLength(text));
    const { written, read: taken } = new TextEncoder().encodeInto(after, bytes);
    if (taken === after.length && written <= bytes.length) patches.push({ offset, bytes });
  };
  if (elf.interpreter !== undefined) {
    const { text } = elf.interpreter;
    replace(elf.interpreter, maybeRebase(text, map) ?? text);
  }
  for (const list of elf.lists) replace(list, rebaseSearchPath(list.text, file, map));
  return patches;
}

/** Applies patches to bytes that begin at an offset of the file. */
export function applyPatches(
  bytes: Uint8Array,
  offset: number,
  patches: readonly Patch[] | undefined,
): void {
  for (const patch of patches ?? []) {
    const from = Math.max(patch.offset, offset);
    const to = Math.min(patch.offset + patch.bytes.length, offset + bytes.length);
    if (from >= to) continue;
    bytes.set(patch.bytes.subarray(from - patch.offset, to - patch.offset), from - offset);
  }
}

/** A string and its offset in the file. */
interface ElfString {
  readonly offset: number;
  readonly text: string;
}

/** The strings of an ELF file that can be rewritten. */
interface ElfLayout {
  readonly interpreter: ElfString | undefined;
  readonly lists: readonly ElfString[];
}

interface Segment {
  readonly type: number;
  readonly offset: number;
  readonly address: number;
  readonly size: number;
}

/** Reads numbers of the file's class and byte order. */
class Numbers {
  readonly #little: boolean;
  readonly wide: boolean;

  constructor(head: Uint8Array) {
    this.wide = head[4] === 2;
    this.#little = head[5] === 1;
  }

  half(bytes: Uint8Array, at: number): number {
    return view(bytes).getUint16(at, this.#little);
  }

  word(bytes: Uint8Array, at: number): number {
    return view(bytes).getUint32(at, this.#little);
  }

  /** An address or offset, of the file's class. */
  address(bytes: Uint8Array, at: number): number {
    return this.wide ? Number(view(bytes).getBigUint64(at, this.#little)) : this.word(bytes, at);
  }
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

function maybeLayout(read: ReadAt): ElfLayout | undefined {
  try {
    const head = read(0, 64);
    if (!isElf(head) || (head[4] !== 1 && head[4] !== 2)) return undefined;
    const numbers = new Numbers(head);
    const segments = readSegments(read, head, numbers);
    const interpreter = segments.find(({ type }) => type === PT_INTERP);
    const dynamic = segments.find(({ type }) => type === PT_DYNAMIC);
    return {
      interpreter: interpreter === undefined ? undefined : maybeString(read, interpreter.offset),
      lists: dynamic === undefined ? [] : readLists(read, { dynamic, segments, numbers }),
    };
  } catch (error) {
    // An offset beyond the end of the file.
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function readSegments(read: ReadAt, head: Uint8Array, numbers: Numbers): readonly Segment[] {
  const { wide } = numbers;
  const start = numbers.address(head, wide ? 32 : 28);
  const length = numbers.half(head, wide ? 54 : 42);
  const count = numbers.half(head, wide ? 56 : 44);
  const table = read(start, Math.min(length * count, MAX_TABLE));
  return Array.from({ length: count }, (_, index) => {
    const at = index * length;
    return {
      type: numbers.word(table, at),
      offset: numbers.address(table, at + (wide ? 8 : 4)),
      address: numbers.address(table, at + (wide ? 16 : 8)),
      size: numbers.address(table, at + (wide ? 32 : 16)),
    };
  });
}

function readLists(
  read: ReadAt,
  { dynamic, segments, numbers }: {
    readonly dynamic: Segment;
    readonly segments: readonly Segment[];
    readonly numbers: Numbers;
  },
): readonly ElfString[] {
  const step = numbers.wide ? 16 : 8;
  const table = read(dynamic.offset, Math.min(dynamic.size, MAX_TABLE));
  const names: { tag: number; value: number }[] = [];
  let strings = 0;
  let size = 0;
  for (let at = 0; at + step <= table.length; at += step) {
    const tag = numbers.address(table, at);
    const value = numbers.address(table, at + step / 2);
    if (tag === 0) break;
    if (tag === DT_STRTAB) strings = value;
    else if (tag === DT_STRSZ) size = value;
    else if (DT_NAMES.has(tag)) names.push({ tag, value });
  }
  const load = segments.find(({ type, address, size }) =>
    type === PT_LOAD && strings >= address && strings < address + size
  );
  if (load === undefined) return [];
  const base = strings - load.address + load.offset;
  return names.filter(({ tag, value }) => DT_PATHS.has(tag) && value < size).flatMap(
    ({ value }) => {
      const list = maybeString(read, base + value);
      // Linkers let a name share the end of another one.
      const end = value + (list === undefined ? 0 : byteLength(list.text));
      const shared = names.some((name) => name.value > value && name.value < end);
      return list === undefined || shared ? [] : [list];
    },
  );
}

function maybeString(read: ReadAt, offset: number): ElfString | undefined {
  const bytes = read(offset, MAX_STRING);
  const end = bytes.indexOf(0);
  if (end <= 0) return undefined;
  try {
    return {
      offset,
      text: new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(0, end)),
    };
  } catch {
    return undefined;
  }
}

function byteLength(text: string): number {
  return new TextEncoder().encode(text).length;
}
