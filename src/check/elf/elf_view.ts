/**
 * The header and the segments of an ELF file, in either byte order and word size.
 * @module
 */
import { parseExecutableFormat } from "./elf_header.ts";
import type { RandomAccess } from "./random_access.ts";

/** A malformed ELF file. The message continues a sentence: `it ends too early`. */
export class ElfError extends Error {
  override readonly name = "ElfError";
}

/** The fields of an ELF header. */
export interface ElfHeader {
  /** Word size. */
  readonly bits: 32 | 64;
  /** Architecture, with Go's name: `amd64`, `arm64`. */
  readonly architecture: string;
  /** EI_OSABI: 0 System V, 3 Linux. */
  readonly osAbi: number;
  /** Whether it can be started or loaded; `other` is an object file or a core dump. */
  readonly type: "executable" | "shared" | "other";
}

/** A segment of the file. */
export interface Segment {
  /** Kind of the segment. */
  readonly kind: "load" | "dynamic" | "interpreter";
  /** Offset in the file. */
  readonly offset: number;
  /** Address in memory. */
  readonly address: number;
  /** Size in the file. */
  readonly fileSize: number;
}

/** Reads numbers and texts of a file, with bounds checks. */
export class ElfView {
  /** Word size. */
  readonly bits: 32 | 64;
  readonly #access: RandomAccess;
  readonly #little: boolean;

  /** Reads a file of the given word size and byte order. */
  constructor(access: RandomAccess, form: { readonly bits: 32 | 64; readonly little: boolean }) {
    this.#access = access;
    this.bits = form.bits;
    this.#little = form.little;
  }

  /** @throws {ElfError} */
  fail(why: string): never {
    throw new ElfError(why);
  }

  /** Reads exactly `length` bytes. @throws {ElfError} if the file ends before. */
  view(offset: number, length: number): DataView {
    const bytes = this.#access.read(offset, length);
    if (bytes.length < length) this.fail("it ends too early");
    return new DataView(bytes.buffer, bytes.byteOffset, length);
  }

  /** An unsigned 16-bit number. */
  u16(view: DataView, at: number): number {
    return view.getUint16(at, this.#little);
  }

  /** An unsigned 32-bit number. */
  u32(view: DataView, at: number): number {
    return view.getUint32(at, this.#little);
  }

  /**
   * An address or offset of the file's word size. Beyond 2^53, which is outside of any file, it is
   * infinite.
   */
  word(view: DataView, at: number): number {
    if (this.bits === 32) return this.u32(view, at);
    const value = view.getBigUint64(at, this.#little);
    return value > BigInt(Number.MAX_SAFE_INTEGER) ? Infinity : Number(value);
  }

  /** Reads a NUL-terminated text at an offset. @throws {ElfError} if it is longer than `limit` bytes. */
  text(offset: number, limit: number): string {
    for (let length = Math.min(128, limit);; length = Math.min(length * 8, limit)) {
      const bytes = offset === Infinity ? new Uint8Array() : this.#access.read(offset, length);
      const end = bytes.indexOf(0);
      if (end >= 0) return new TextDecoder().decode(bytes.subarray(0, end));
      if (bytes.length < length) this.fail("it ends within a name");
      if (length === limit) this.fail(`it has a name of more than ${limit} bytes`);
    }
  }
}

/** The position of the program headers. */
export interface ProgramHeaders {
  readonly offset: number;
  readonly count: number;
}

const TYPES: Readonly<Record<number, ElfHeader["type"]>> = { 2: "executable", 3: "shared" };
/** The kernel's limit on the size of program headers. */
const PROGRAM_HEADER_BYTES = 65536;

/** Parses the header. @throws {ElfError} */
export function readElfHeader(access: RandomAccess): {
  readonly view: ElfView;
  readonly header: ElfHeader;
  readonly programHeaders: ProgramHeaders;
} {
  const start = access.read(0, 20);
  const format = parseExecutableFormat(start);
  if (format.kind !== "elf") throw new ElfError("it ends within its header");
  const [classByte, dataByte, version] = start.subarray(4);
  if (classByte !== 1 && classByte !== 2) throw new ElfError("its word size is unknown");
  if (dataByte !== 1 && dataByte !== 2) throw new ElfError("its byte order is unknown");
  if (version !== 1) throw new ElfError("its version is unknown");
  const view = new ElfView(access, { bits: format.bits, little: dataByte === 1 });
  const wide = view.bits === 64;
  const bytes = view.view(0, wide ? 64 : 52);
  const count = view.u16(bytes, wide ? 56 : 44);
  const entrySize = view.u16(bytes, wide ? 54 : 42);
  if (count > 0 && entrySize !== (wide ? 56 : 32)) {
    throw new ElfError(`its program headers are ${entrySize} bytes long`);
  }
  if (count * entrySize > PROGRAM_HEADER_BYTES) throw new ElfError("it has too many segments");
  return {
    view,
    header: {
      bits: view.bits,
      architecture: format.architecture,
      osAbi: bytes.getUint8(7),
      type: TYPES[view.u16(bytes, 16)] ?? "other",
    },
    programHeaders: { offset: view.word(bytes, wide ? 32 : 28), count },
  };
}

const KINDS: Readonly<Record<number, Segment["kind"]>> = {
  1: "load",
  2: "dynamic",
  3: "interpreter",
};

/** Reads the relevant program headers. @throws {ElfError} */
export function readSegments(view: ElfView, { offset, count }: ProgramHeaders): readonly Segment[] {
  const wide = view.bits === 64;
  const size = wide ? 56 : 32;
  if (count === 0) return [];
  const bytes = view.view(offset, count * size);
  const segments: Segment[] = [];
  for (let at = 0; at < count * size; at += size) {
    const kind = KINDS[view.u32(bytes, at)];
    if (kind === undefined) continue;
    segments.push({
      kind,
      offset: view.word(bytes, at + (wide ? 8 : 4)),
      address: view.word(bytes, at + (wide ? 16 : 8)),
      fileSize: view.word(bytes, at + (wide ? 32 : 16)),
    });
  }
  return segments;
}
