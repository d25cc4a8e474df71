/**
 * What an ELF file asks of its surroundings (System V gABI; GNU symbol versions as the Linux Standard Base
 * describes them): its header, and what the program headers lead to. Section headers are not looked at, as
 * kernel and loader do not, so a file may have any number of them.
 *
 * Every count and length in the file is held against a bound, so that a malformed file ends in an error
 * after little work, whatever it says.
 * @module
 */
import { type DynamicTable, readDynamic } from "./elf_dynamic.ts";
import { type ElfHeader, ElfView, readElfHeader, readSegments, type Segment } from "./elf_view.ts";
import { readVersionDefinitions, readVersionNeeds, type VersionNeed } from "./elf_versions.ts";
import type { RandomAccess } from "./random_access.ts";

export { ElfError } from "./elf_view.ts";

/** What an ELF file asks for and offers. */
export interface Elf extends ElfHeader {
  /** The loader (`PT_INTERP`); absent for libraries and for what is linked statically. */
  readonly interpreter?: string;
  /** Libraries (`DT_NEEDED`), in order. */
  readonly needed: readonly string[];
  /** The name that others link it by. */
  readonly soname?: string;
  /** `DT_RPATH`. */
  readonly rpath?: string;
  /** `DT_RUNPATH`. */
  readonly runpath?: string;
  /** Whether the loader may not look into its default directories (`DF_1_NODEFLIB`). */
  readonly noDefaultDirectories?: true;
  /** Symbol versions needed of libraries. */
  readonly versionNeeds: readonly VersionNeed[];
  /** Symbol versions offered; absent if the file says nothing about versions. */
  readonly versions?: readonly string[];
}

const INTERPRETER_BYTES = 4096;

function readInterpreter(view: ElfView, segment: Segment): string {
  if (segment.fileSize < 2) view.fail("its interpreter has no name");
  if (segment.fileSize > INTERPRETER_BYTES) {
    view.fail(`its interpreter's name is longer than ${INTERPRETER_BYTES} bytes`);
  }
  return view.text(segment.offset, segment.fileSize);
}

function dynamicPart(view: ElfView, table: DynamicTable): Omit<Elf, keyof ElfHeader> {
  const versions = readVersionDefinitions(view, table);
  return {
    needed: table.needed,
    versionNeeds: readVersionNeeds(view, table),
    ...(versions === undefined ? {} : { versions }),
    ...(table.soname === undefined ? {} : { soname: table.soname }),
    ...(table.rpath === undefined ? {} : { rpath: table.rpath }),
    ...(table.runpath === undefined ? {} : { runpath: table.runpath }),
    ...(table.noDefaultDirectories ? { noDefaultDirectories: true } : {}),
  };
}

/**
 * Reads an ELF file.
 *
 * @throws {ElfError} saying what is wrong with it, quickly, whatever the bytes are.
 */
export function parseElf(access: RandomAccess): Elf {
  const { view, header, programHeaders } = readElfHeader(access);
  const segments = readSegments(view, programHeaders);
  const interpreter = segments.find(({ kind }) => kind === "interpreter");
  const dynamic = segments.find(({ kind }) => kind === "dynamic");
  return {
    ...header,
    ...(interpreter === undefined ? {} : { interpreter: readInterpreter(view, interpreter) }),
    ...(dynamic === undefined
      ? { needed: [], versionNeeds: [] }
      : dynamicPart(view, readDynamic(view, dynamic, segments))),
  };
}
