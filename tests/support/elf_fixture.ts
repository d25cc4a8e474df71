/**
 * ELF files made for tests: of both byte orders and word sizes, with what the loader reads and nothing else.
 * @module
 */
import type { VersionNeed } from "../../src/check/elf/elf_versions.ts";

/** What the file says. */
export interface ElfFixture {
  readonly bits?: 32 | 64;
  readonly little?: boolean;
  /** `e_machine`; default x86-64. */
  readonly machine?: number;
  readonly osAbi?: number;
  /** `e_type`; default 3, shared. */
  readonly type?: number;
  readonly interpreter?: string;
  readonly needed?: readonly string[];
  readonly soname?: string;
  readonly rpath?: string;
  readonly runpath?: string;
  readonly flags1?: number;
  readonly versionNeeds?: readonly VersionNeed[];
  readonly versions?: readonly string[];
}

/** Where the file is loaded; what it says in addresses must be translated back. */
const BASE = 0x400000;

/** Bytes that grow, in one byte order and word size. */
class Writer {
  readonly bytes: number[] = [];

  constructor(readonly bits: 32 | 64, readonly little: boolean) {}

  number(value: number, size: number): this {
    const digits = Array.from({ length: size }, (_, i) => Math.floor(value / 256 ** i) % 256);
    this.bytes.push(...(this.little ? digits : digits.reverse()));
    return this;
  }

  half(value: number): this {
    return this.number(value, 2);
  }

  u32(value: number): this {
    return this.number(value, 4);
  }

  word(value: number): this {
    return this.number(value, this.bits / 8);
  }
}

/** The string table. */
class Strings {
  text = "\0";

  /** Where a text is, the same for equal ones. */
  add(text: string): number {
    const known = this.text.indexOf(`\0${text}\0`);
    if (known >= 0) return known + 1;
    const at = this.text.length;
    this.text += `${text}\0`;
    return at;
  }
}

function needTable(writer: Writer, needs: readonly VersionNeed[], strings: Strings): void {
  needs.forEach(({ library, versions }, i) => {
    const size = 16 + versions.length * 16;
    writer.half(1).half(versions.length).u32(strings.add(library)).u32(16)
      .u32(i === needs.length - 1 ? 0 : size);
    versions.forEach((version, j) => {
      writer.u32(0).half(0).half(2).u32(strings.add(version))
        .u32(j === versions.length - 1 ? 0 : 16);
    });
  });
}

function definitionTable(writer: Writer, versions: readonly string[], strings: Strings): void {
  versions.forEach((version, i) => {
    writer.half(1).half(i === 0 ? 1 : 0).half(i + 1).half(1).u32(0).u32(20)
      .u32(i === versions.length - 1 ? 0 : 28);
    writer.u32(strings.add(version)).u32(0);
  });
}

/** Parts of a file, each at a known offset. */
class Image {
  bytes: number[];

  constructor(header: number) {
    this.bytes = new Array(header).fill(0);
  }

  put(part: readonly number[]): number {
    while (this.bytes.length % 8 !== 0) this.bytes.push(0);
    const at = this.bytes.length;
    this.bytes.push(...part);
    return at;
  }
}

function dynamicEntries(
  fixture: ElfFixture,
  strings: Strings,
  tables: { needs: number; definitions: number },
): [number, number][] {
  const { needed = [], soname, rpath, runpath, flags1, versionNeeds = [], versions } = fixture;
  const entries: [number, number][] = needed.map((name) => [1, strings.add(name)]);
  if (soname !== undefined) entries.push([14, strings.add(soname)]);
  if (rpath !== undefined) entries.push([15, strings.add(rpath)]);
  if (runpath !== undefined) entries.push([29, strings.add(runpath)]);
  if (flags1 !== undefined) entries.push([0x6ffffffb, flags1]);
  if (versionNeeds.length > 0) {
    entries.push([0x6ffffffe, BASE + tables.needs], [0x6fffffff, versionNeeds.length]);
  }
  if (versions !== undefined) {
    entries.push([0x6ffffffc, BASE + tables.definitions], [0x6ffffffd, versions.length]);
  }
  return entries;
}

/** Assembles the file. */
export function buildElf(fixture: ElfFixture): Uint8Array<ArrayBuffer> {
  const { bits = 64, little = true, machine = 0x3e, osAbi = 0, type = 3 } = fixture;
  const wide = bits === 64;
  const writer = (): Writer => new Writer(bits, little);
  const headerSize = wide ? 64 : 52;
  const segmentSize = wide ? 56 : 32;
  const image = new Image(headerSize + 3 * segmentSize);
  const strings = new Strings();
  const interpreter = [...new TextEncoder().encode(`${fixture.interpreter ?? ""}\0`)];
  const interpreterAt = image.put(interpreter);
  const needs = writer();
  needTable(needs, fixture.versionNeeds ?? [], strings);
  const definitions = writer();
  definitionTable(definitions, fixture.versions ?? [], strings);
  const tables = { needs: image.put(needs.bytes), definitions: image.put(definitions.bytes) };
  const entries = dynamicEntries(fixture, strings, tables);
  const stringsAt = image.put([...new TextEncoder().encode(strings.text)]);
  const dynamic = writer();
  for (const [tag, value] of [...entries, [5, BASE + stringsAt], [10, strings.text.length]]) {
    dynamic.word(tag!).word(value!);
  }
  dynamic.word(0).word(0);
  const dynamicAt = image.put(dynamic.bytes);
  const header = writer();
  header.bytes.push(0x7f, 0x45, 0x4c, 0x46, wide ? 2 : 1, little ? 1 : 2, 1, osAbi);
  header.bytes.push(...new Array(8).fill(0));
  header.half(type).half(machine).u32(1).word(0).word(headerSize).word(0).u32(0)
    .half(headerSize).half(segmentSize).half(3).half(0).half(0).half(0);
  const segment = (kind: number, at: number, size: number): void => {
    header.u32(kind);
    if (wide) header.u32(4);
    header.word(at).word(BASE + at).word(BASE + at).word(size).word(size);
    if (!wide) header.u32(4);
    header.word(8);
  };
  segment(1, 0, image.bytes.length);
  segment(2, dynamicAt, dynamic.bytes.length);
  segment(fixture.interpreter === undefined ? 0 : 3, interpreterAt, interpreter.length);
  const bytes = Uint8Array.from(image.bytes);
  bytes.set(header.bytes);
  return bytes;
}
