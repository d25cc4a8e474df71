/**
 * Sections and segments of an ELF file, for finding build information. Damaged files have none.
 * @module
 */
import { Buffer } from "node:buffer";
import type { RandomAccess } from "../../check/elf/random_access.ts";
import { isElf } from "../../layer/relocate/elf_paths.ts";

/**
 * Converts bytes to text, one character each. `TextDecoder` cannot: its "latin1" is windows-1252, and six
 * times slower.
 */
export function binaryText(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
}

/** A range of a file. */
export interface Range {
  /** First byte in the file. */
  readonly offset: number;
  /** Number of bytes. */
  readonly size: number;
}

/** A segment that is loaded into memory. */
export interface LoadedSegment extends Range {
  /** Address of its first byte. */
  readonly address: number;
  /** Whether it is writable. */
  readonly writable: boolean;
}

/** The layout of an ELF file. */
export interface ElfLayout {
  /** Sections by name; the first of each name. */
  readonly sections: ReadonlyMap<string, Range>;
  /** Loaded segments, in order. */
  readonly segments: readonly LoadedSegment[];
  /** Whether the file is little-endian. */
  readonly little: boolean;
}

/** Maximum number of headers of one kind; ELF has 16 bits for it. */
const MAX_HEADERS = 0xffff;
const [PT_LOAD, PF_W, SHT_NOBITS] = [1, 2, 8];

class Numbers {
  readonly #view: DataView;
  readonly #little: boolean;
  readonly #wide: boolean;

  constructor(bytes: Uint8Array, little: boolean, wide: boolean) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#little = little;
    this.#wide = wide;
  }

  half(at: number): number {
    return this.#view.getUint16(at, this.#little);
  }

  word(at: number): number {
    return this.#view.getUint32(at, this.#little);
  }

  /** An address or offset. Values beyond 2^53 lose precision, but are outside of any file. */
  long(at: number): number {
    return this.#wide ? Number(this.#view.getBigUint64(at, this.#little)) : this.word(at);
  }
}

function read(access: RandomAccess, { offset, size }: Range): Uint8Array | undefined {
  if (!Number.isSafeInteger(offset) || offset < 0 || offset + size > access.size) return undefined;
  const bytes = access.read(offset, size);
  return bytes.length === size ? bytes : undefined;
}

/** Reads the layout; `undefined` if the file is not ELF or damaged. */
export function maybeReadElfLayout(access: RandomAccess): ElfLayout | undefined {
  const start = read(access, { offset: 0, size: 64 });
  if (start === undefined || !isElf(start)) return undefined;
  const wide = start[4] === 2;
  const little = start[5] === 1;
  const header = new Numbers(start, little, wide);
  const numbers = (bytes: Uint8Array): Numbers => new Numbers(bytes, little, wide);
  const [programOffset, sectionOffset] = wide ? [header.long(32), header.long(40)] : [
    header.word(28),
    header.word(32),
  ];
  const base = wide ? 54 : 42;
  const [programSize, programCount, sectionSize, sectionCount, namesAt] = [0, 2, 4, 6, 8]
    .map((at) => header.half(base + at)) as [number, number, number, number, number];
  const table = (offset: number, size: number, count: number): Numbers | undefined => {
    if (count === 0 || count > MAX_HEADERS) return undefined;
    const bytes = read(access, { offset, size: size * count });
    return bytes === undefined ? undefined : numbers(bytes.slice());
  };
  const segments: LoadedSegment[] = [];
  const programs = programSize < (wide ? 56 : 32)
    ? undefined
    : table(programOffset, programSize, programCount);
  for (let i = 0; programs !== undefined && i < programCount; i++) {
    const at = i * programSize;
    if (programs.word(at) !== PT_LOAD) continue;
    segments.push({
      offset: programs.long(at + (wide ? 8 : 4)),
      address: programs.long(at + (wide ? 16 : 8)),
      size: programs.long(at + (wide ? 32 : 16)),
      writable: (programs.word(at + (wide ? 4 : 24)) & PF_W) !== 0,
    });
  }
  const listed = sectionSize < (wide ? 64 : 40)
    ? undefined
    : table(sectionOffset, sectionSize, sectionCount);
  const sections = listed === undefined || namesAt >= sectionCount
    ? new Map<string, Range>()
    : nameSections(access, listed, { sectionSize, sectionCount, namesAt, wide });
  return { sections, segments, little };
}

function nameSections(
  access: RandomAccess,
  table: Numbers,
  layout: {
    readonly sectionSize: number;
    readonly sectionCount: number;
    readonly namesAt: number;
    readonly wide: boolean;
  },
): ReadonlyMap<string, Range> {
  const { sectionSize, sectionCount, namesAt, wide } = layout;
  const range = (i: number): Range => ({
    offset: table.long(i * sectionSize + (wide ? 24 : 16)),
    size: table.long(i * sectionSize + (wide ? 32 : 20)),
  });
  const sections = new Map<string, Range>();
  const place = range(namesAt);
  if (place.size > 1024 * 1024) return sections;
  const bytes = read(access, place);
  if (bytes === undefined) return sections;
  const names = binaryText(bytes);
  for (let i = 0; i < sectionCount; i++) {
    if (table.word(i * sectionSize + 4) === SHT_NOBITS) continue;
    const start = table.word(i * sectionSize);
    const end = names.indexOf("\0", start);
    if (start >= names.length || end < 0) continue;
    const name = names.slice(start, end);
    if (!sections.has(name)) sections.set(name, range(i));
  }
  return sections;
}
