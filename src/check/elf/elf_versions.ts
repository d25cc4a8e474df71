/**
 * GNU symbol versions: those that a file requires of its libraries, and those that it defines.
 * @module
 */
import type { DynamicTable } from "./elf_dynamic.ts";
import type { ElfView } from "./elf_view.ts";

/** Limit on the entries of both lists together; libc has some fifty. */
const MAX_ENTRIES = 16384;
const WEAK = 2;

/** Counts entries. @throws {ElfError} once the limit is exceeded. */
class Budget {
  #left = MAX_ENTRIES;

  take(view: ElfView): void {
    if (--this.#left < 0) view.fail(`it has more than ${MAX_ENTRIES} symbol versions`);
  }
}

/** Reads the symbol versions that a file requires, by library. @throws {ElfError} */
export function readVersionNeeds(view: ElfView, table: DynamicTable): readonly VersionNeed[] {
  const { needs } = table;
  if (needs === undefined) return [];
  const budget = new Budget();
  const found: VersionNeed[] = [];
  for (let i = 0, at = needs.offset; i < needs.count; i++) {
    budget.take(view);
    const entry = view.view(at, 16);
    const versions: string[] = [];
    const count = view.u16(entry, 2);
    for (let j = 0, aux = at + view.u32(entry, 8); j < count; j++) {
      budget.take(view);
      const need = view.view(aux, 16);
      if ((view.u16(need, 4) & WEAK) === 0) versions.push(table.string(view.u32(need, 8)));
      const next = view.u32(need, 12);
      if (next === 0) break;
      aux += next;
    }
    if (versions.length > 0) found.push({ library: table.string(view.u32(entry, 4)), versions });
    const next = view.u32(entry, 12);
    if (next === 0) break;
    at += next;
  }
  return found;
}

/**
 * Reads the symbol versions that a file defines; `undefined` without version information. @throws
 * {ElfError}
 */
export function readVersionDefinitions(
  view: ElfView,
  table: DynamicTable,
): readonly string[] | undefined {
  const { definitions } = table;
  if (definitions === undefined) return undefined;
  const budget = new Budget();
  const found: string[] = [];
  for (let i = 0, at = definitions.offset; i < definitions.count; i++) {
    budget.take(view);
    const entry = view.view(at, 20);
    const aux = view.view(at + view.u32(entry, 12), 8);
    found.push(table.string(view.u32(aux, 0)));
    const next = view.u32(entry, 16);
    if (next === 0) break;
    at += next;
  }
  return found;
}

/** The symbol versions that a file requires of one library. */
export interface VersionNeed {
  /** The library's SONAME. */
  readonly library: string;
  /** Names of the versions, without weak ones: `GLIBC_2.38`. */
  readonly versions: readonly string[];
}
