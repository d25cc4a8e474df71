/**
 * Classifies a file by its content, as kernel and loader would.
 * @module
 */
import { isElf } from "../../layer/relocate/elf_paths.ts";
import { type Elf, ElfError, parseElf } from "../elf/elf.ts";
import { parseExecutableFormat } from "../elf/elf_header.ts";
import type { RandomAccess } from "../elf/random_access.ts";
import { parseScriptBody, SCRIPT_BYTES, type ScriptBody } from "./script_body.ts";

/** The kind of a file. */
export type Program =
  /** An ELF file; `prefixes` are Ruby's compiled-in directories. */
  | { readonly kind: "elf"; readonly elf: Elf; readonly prefixes?: readonly string[] }
  /** A malformed ELF file; `reason` continues a sentence. */
  | { readonly kind: "malformed"; readonly reason: string }
  /** A script; `line` is the text after `#!`. */
  | ({ readonly kind: "script"; readonly line: string } & ScriptBody)
  /** A program for another system. */
  | { readonly kind: "foreign"; readonly system: "macOS" | "Windows" }
  /** An empty file. */
  | { readonly kind: "empty" }
  /** A text without `#!`, which only a shell runs as a script. */
  | { readonly kind: "text" }
  /** Anything else. */
  | { readonly kind: "other" };

/** Number of bytes that the kernel reads of a `#!` line, including these two (`BINPRM_BUF_SIZE`). */
const SHEBANG_BYTES = 256;
/** Number of bytes needed to classify a file. */
export const HEAD_BYTES = 512;

/** The `#!` line without these two characters, as far as the kernel reads it. */
function shebang(head: Uint8Array): string {
  const bytes = head.subarray(2, SHEBANG_BYTES);
  const end = bytes.indexOf(0x0a);
  return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
}

/** Whether bytes are text: UTF-8 without control characters; the last character may be cut off. */
function isText(head: Uint8Array): boolean {
  if (head.some((byte) => byte < 0x09 || (byte > 0x0d && byte < 0x20 && byte !== 0x1b))) {
    return false;
  }
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(head, { stream: true });
    return true;
  } catch {
    return false;
  }
}

/** Ruby and its library, which find their files only by a compiled-in path. */
const RUBY = /(?:^|\/)(?:ruby|libruby[^/]*\.so[\d.]*)$/;
/**
 * A path in `ruby_initial_load_paths` (Ruby's version.c), up to the library directory. In a relocatable
 * Ruby (`--enable-load-relative`) these have no prefix.
 */
const LOAD_PATH = /(?<![\x21-\x7e])(\/[\x21-\x7e]+?\/lib\/ruby)\//g;

const CHUNK = 1 << 20;
/** Maximum length of a path. */
const OVERLAP = 4096;
const MOST_BYTES = 64 << 20;

/**
 * Compiled-in directories such as `/home/a/installs/ruby/3.1.2/lib/ruby` in Ruby or its library; empty for
 * other files.
 * @param path in the layer.
 */
function readPrefixes(path: string, access: RandomAccess): readonly string[] {
  if (!RUBY.test(path)) return [];
  const size = Math.min(access.size, MOST_BYTES);
  const found = new Set<string>();
  for (let at = 0; at < size; at += CHUNK) {
    const bytes = access.read(at, Math.min(CHUNK + OVERLAP, size - at));
    const text = new TextDecoder("latin1").decode(bytes);
    if (!text.includes("/lib/ruby/")) continue;
    for (const [, directory = ""] of text.matchAll(LOAD_PATH)) found.add(directory);
  }
  return [...found];
}

function scriptProgram(head: Uint8Array, access: RandomAccess): Program {
  const line = shebang(head);
  const bytes = access.read(0, Math.min(access.size, SCRIPT_BYTES));
  return { kind: "script", line, ...parseScriptBody(line, bytes) };
}

/**
 * Classifies a file.
 * @param path in the layer.
 * @param head its first {@linkcode HEAD_BYTES} bytes, or the whole file if it is shorter.
 * @param open gives access to the file; only called for ELF files, and for scripts of up to {@linkcode
 * SCRIPT_BYTES}.
 */
export function readProgram(
  path: string,
  head: Uint8Array,
  open: () => RandomAccess,
): Program {
  if (head.length === 0) return { kind: "empty" };
  const format = parseExecutableFormat(head);
  if (format.kind === "script") return scriptProgram(head, open());
  // A text can begin with "MZ"; a Windows program has at least a header of 64 bytes.
  if (format.kind === "pe" && head.length >= 64) return { kind: "foreign", system: "Windows" };
  if (format.kind === "mach-o" && head.length >= 28) return { kind: "foreign", system: "macOS" };
  if (format.kind !== "elf" && !isElf(head)) {
    return { kind: isText(head) ? "text" : "other" };
  }
  try {
    const access = open();
    const elf = parseElf(access);
    const prefixes = readPrefixes(path, access);
    return { kind: "elf", elf, ...(prefixes.length === 0 ? {} : { prefixes }) };
  } catch (error) {
    if (error instanceof ElfError) return { kind: "malformed", reason: error.message };
    throw error;
  }
}
