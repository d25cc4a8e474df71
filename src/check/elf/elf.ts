/**
 * What an ELF file needs from its environment (System V gABI; GNU symbol versions as in the Linux Standard
 * Base): its header, and what the program headers refer to. Like kernel and loader, this ignores section
 * headers, of which there may be any number.
 *
 * Every count and length in the file is checked against a limit, so that a malformed file leads to an error
 * quickly.
 * @module
 */
import { type DynamicTable, readDynamic } from "./elf_dynamic.ts";
import { type ElfHeader, ElfView, readElfHeader, readSegments, type Segment } from "./elf_view.ts";
import { readVersionDefinitions, readVersionNeeds, type VersionNeed } from "./elf_versions.ts";
import type { RandomAccess } from "./random_access.ts";

export { ElfError } from "./elf_view.ts";

/** What an ELF file needs and provides. */
export interface Elf extends ElfHeader {
  /** The loader (`PT_INTERP`); absent for libraries and static programs. */
  readonly interpreter?: string;
  /** Libraries (`DT_NEEDED`), in order. */
  readonly needed: readonly string[];
  /** The name that others link it with. */
  readonly soname?: string;
  /** `DT_RPATH`. */
  readonly rpath?: string;
  /** `DT_RUNPATH`. */
  readonly runpath?: string;
  /** Whether the loader must not search its default directories (`DF_1_NODEFLIB`). */
  readonly noDefaultDirectories?: true;
  /** Symbol versions required of libraries. */
  readonly versionNeeds: readonly VersionNeed[];
  /** Symbol versions defined; absent if the file has no version information. */
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
 * Parses an ELF file.
 *
 * @throws {ElfError} with the reason; quickly, for any input.
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
