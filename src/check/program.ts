/**
 * What a file is to kernel and loader, from its content.
 * @module
 */
import { type Elf, ElfError, parseElf } from "./elf.ts";
import { parseExecutableFormat } from "./elf_header.ts";
import type { RandomAccess } from "./random_access.ts";

/** What a file is. */
export type Program =
  | { readonly kind: "elf"; readonly elf: Elf }
  /** Something that begins like ELF and is not; `reason` continues a sentence. */
  | { readonly kind: "malformed"; readonly reason: string }
  /** A script; `line` is what follows `#!`. */
  | { readonly kind: "script"; readonly line: string }
  /** A program for another system. */
  | { readonly kind: "foreign"; readonly system: "macOS" | "Windows" }
  /** A text or anything else, which only a shell could take for a script. */
  | { readonly kind: "other" };

/** Most bytes that the kernel reads of a `#!` line, the two included (`BINPRM_BUF_SIZE`). */
export const SHEBANG_BYTES = 256;
/** Most bytes of the beginning that tell what a file is. */
export const HEAD_BYTES = 512;

/** The `#!` line without the two characters, as far as the kernel reads it. */
function shebang(head: Uint8Array): string {
  const bytes = head.subarray(2, SHEBANG_BYTES);
  const end = bytes.indexOf(0x0a);
  return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
}

/**
 * What a file is.
 * @param head its first {@linkcode HEAD_BYTES} bytes, or all of a shorter one.
 * @param open gives access to the whole file, asked for only if it is ELF.
 */
export function readProgram(head: Uint8Array, open: () => RandomAccess): Program {
  const format = parseExecutableFormat(head);
  if (format.kind === "script") return { kind: "script", line: shebang(head) };
  // A text can begin with "MZ": a Windows program is longer and names where its header is.
  if (format.kind === "pe" && head.length >= 64) return { kind: "foreign", system: "Windows" };
  if (format.kind === "mach-o" && head.length >= 28) return { kind: "foreign", system: "macOS" };
  if (format.kind !== "elf" && !beginsLikeElf(head)) return { kind: "other" };
  try {
    return { kind: "elf", elf: parseElf(open()) };
  } catch (error) {
    if (error instanceof ElfError) return { kind: "malformed", reason: error.message };
    throw error;
  }
}

/** Whether the first bytes are those of an ELF file. */
export function beginsLikeElf(head: Uint8Array): boolean {
  return head[0] === 0x7f && head[1] === 0x45 && head[2] === 0x4c && head[3] === 0x46;
}
