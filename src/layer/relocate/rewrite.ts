/**
 * Rewrites the contents of files (spec.md, section 7). Whether a file may contain host paths is decided by
 * its name and by the bytes that are packed anyway.
 * @module
 */
import { concat } from "../../bytes.ts";
import { maybeHeader, rebaseFileNames, type SourceStat } from "./bytecode.ts";
import type { RelocatedTexts } from "./dependencies.ts";
import { elfPatches, isElf, type Patch, type ReadAt } from "./elf_paths.ts";
import type { LayerEntry } from "../entry.ts";
import { hostNeedles, mayNameHost } from "./host_paths.ts";
import { isBytecode, isInstallRecord, maybeNormalizeRecord, maybeSource } from "./python_files.ts";
import {
  contentMap,
  maybeRebase,
  maybeRelocateShebang,
  maybeShebang,
  rebaseContent,
  type RelocationMap,
  relocationMap,
  SHEBANG_LIMIT,
  SHEBANG_LIMIT_OLD,
} from "./relocate.ts";
import { relocateVenvConfig } from "./venv.ts";

/** Options of {@linkcode Rewriter}. */
export interface RewriteOptions {
  /** The layer's relocations. */
  readonly relocations: RelocationMap;
  /** Whether the image has an entry at a path without leading slash. */
  readonly provided: (path: string) => boolean;
  /** Receives warnings about what will not work in the image. */
  readonly warn: (text: string) => void;
  /** Collects the texts that relocation depends on. */
  readonly texts: RelocatedTexts;
}

/** The result for the first bytes of a file. */
export interface Rewritten {
  /** The first bytes in the layer. */
  readonly head: Uint8Array;
  /** Changes of the whole file that keep its length, including those in `head`. */
  readonly patches?: readonly Patch[];
  /** Whether the first bytes are known not to contain host directories. */
  readonly clean?: boolean;
}

/** The start of a file. */
export interface FileHead {
  /** The first bytes. */
  readonly bytes: Uint8Array;
  /** Whether these are all bytes of the file. */
  readonly whole: boolean;
  /** Reads any part of the file. */
  readonly read: ReadAt;
}

/** Larger files are not kept in memory, so only their `#!` line and search paths are rewritten. */
export const WHOLE_LIMIT: number = 4 << 20;

/** Names of files that contain the install prefix, for any size and host directory. */
const TEXT_KINDS = new RegExp(
  [
    "\\.(?:pc|la|pth|egg-link|cmake|prl|pri|bat|cmd|ps1|gemspec|packlist)",
    "-config(?:\\.in)?|_sysconfig(?:data|_vars)[^/]*\\.(?:py|json)|rbconfig\\.rb|sysconfig\\.json",
    "/config-[^/]*/Makefile|/(?:python-)?build-details\\.json",
    "/(?:activate|activate_this\\.py|activate\\.(?:csh|fish|nu)|activate\\.xsh)",
    "/(?:uv-receipt\\.toml|pipx_metadata\\.json|direct_url\\.json|\\.crates2?\\.(?:toml|json))",
    "/(?:RELEASES|start_erl\\.data|config\\.gypi)",
  ].map((part) => `(?:${part})`).join("|").replace(/^/, "(?:") + ")$",
  "i",
);

/** Matches paths of tools that mise installed, possibly for another project. */
const INSTALLED = /\/installs\/[^/]+\/[^/]/;
const NOTHING = new Uint8Array(0);
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/** Rewrites the files of one layer. */
export class Rewriter {
  readonly #options: RewriteOptions;
  /** Rules of the layer's own trees, which are part of its cache key. */
  readonly #own: RelocationMap;
  /** Removes what the own rules cover. */
  readonly #marked: RelocationMap;
  readonly #needles: readonly string[];
  /** Rules for file contents. */
  readonly #content: RelocationMap;

  constructor(options: RewriteOptions) {
    const { relocations } = options;
    this.#options = options;
    this.#needles = hostNeedles(relocations);
    const { rules } = relocations;
    const own = rules.filter(({ image }) => relocations.own.includes(image));
    this.#own = relocationMap(own, relocations.own);
    this.#marked = relocationMap(own.map(({ host }) => ({ host, image: "" })), [""]);
    this.#content = contentMap(relocations);
  }

  /** Whether the whole file must be in memory, even if it is larger than the first bytes. */
  wantsWhole(path: string, head: Uint8Array): boolean {
    if (this.#options.relocations.rules.length === 0) return false;
    if (isBytecode(path) || isInstallRecord(path)) return true;
    return TEXT_KINDS.test(`/${path}`) || (head[0] === 0x23 && head[1] === 0x21);
  }

  /** Rewrites a file. */
  rewrite(entry: LayerEntry, file: FileHead): Rewritten {
    const { relocations } = this.#options;
    const { bytes, whole, read } = file;
    if (relocations.rules.length === 0) return { head: bytes };
    if (isElf(bytes)) {
      const noted = (path: string): void => this.#note(path);
      const patches = elfPatches(read, { file: `/${entry.path}`, map: this.#content, noted });
      return { head: bytes, patches };
    }
    if (isBytecode(entry.path)) return { head: this.#rewriteBytecode(entry, bytes, whole) };
    if (whole && entry.path.endsWith("/pyvenv.cfg")) {
      return { head: this.#rewriteVenv(entry, bytes) };
    }
    const start = isInstallRecord(entry.path)
      ? maybeNormalizeRecord(bytes) ?? { bytes: NOTHING, replaced: 0 }
      : this.#rewriteShebang(entry, bytes);
    const rest = bytes.subarray(start.replaced);
    if (!whole) return { head: start.replaced === 0 ? bytes : concat([start.bytes, rest]) };
    const named = mayNameHost(rest, this.#needles);
    const body = named ? this.#maybeRewriteText(entry.path, rest, bytes) : undefined;
    if (body === undefined && start.replaced === 0) return { head: bytes, clean: !named };
    return { head: concat([start.bytes, body ?? rest]) };
  }

  /** The rewritten text below the `#!` line; `undefined` if it is not text or nothing changes. */
  #maybeRewriteText(path: string, rest: Uint8Array, all: Uint8Array): Uint8Array | undefined {
    if (rest.includes(0)) return undefined;
    const isKind = TEXT_KINDS.test(`/${path}`) || (all[0] === 0x23 && all[1] === 0x21);
    let before: string;
    try {
      before = decoder.decode(rest);
    } catch {
      return undefined;
    }
    for (const line of before.split("\n")) this.#note(line);
    const after = rebaseContent(before, this.#content, !isKind);
    return after === before ? undefined : encoder.encode(after);
  }

  /** Records a text whose rewriting depends on other tools. */
  #note(text: string): void {
    if (!INSTALLED.test(text) || !INSTALLED.test(rebaseContent(text, this.#marked))) return;
    const after = rebaseContent(text, this.#content);
    this.#options.texts.add({ kind: "content", before: text, after });
  }

  #rewriteShebang(
    entry: LayerEntry,
    first: Uint8Array,
  ): { readonly bytes: Uint8Array; readonly replaced: number } {
    const { relocations, texts, warn } = this.#options;
    const before = maybeShebang(first);
    if (before === undefined) return { bytes: NOTHING, replaced: 0 };
    const moved = maybeRelocateShebang(first, relocations);
    const after = moved === undefined ? before : new TextDecoder().decode(moved.bytes);
    texts.add({ kind: "shebang", before, after });
    if (moved === undefined) return { bytes: NOTHING, replaced: 0 };
    if (moved.shebang > SHEBANG_LIMIT) {
      warn(`The "#!" line of "/${entry.path}" is over ${SHEBANG_LIMIT} bytes: Linux cuts it off`);
    } else if (moved.shebang > SHEBANG_LIMIT_OLD) {
      warn(`The "#!" line of "/${entry.path}" is too long for Linux before 5.1`);
    }
    return moved;
  }

  #rewriteVenv(entry: LayerEntry, first: Uint8Array): Uint8Array {
    const { relocations, provided, warn, texts } = this.#options;
    const before = new TextDecoder().decode(first);
    const { text, missing } = relocateVenvConfig(before, relocations);
    texts.add({ kind: "venv", before, after: text });
    if (missing !== undefined && !provided(missing.replace(/^\//, ""))) {
      warn(`Python environment "/${entry.path}" needs "${missing}", which the image does not have`);
    }
    return encoder.encode(text);
  }

  #rewriteBytecode(entry: LayerEntry, bytes: Uint8Array, whole: boolean): Uint8Array {
    const header = maybeHeader(bytes, () => maybeSourceStat(entry));
    const body = header === undefined ? bytes : concat([header, bytes.subarray(header.length)]);
    if (!whole) return body;
    const rebase = (path: string): string | undefined => maybeRebase(path, this.#own);
    return this.#own.rules.reduce(
      (rewritten, { host }) => rebaseFileNames(rewritten, `${host}/`, rebase),
      body,
    );
  }
}

function maybeSourceStat({ host }: LayerEntry): SourceStat | undefined {
  const source = host === undefined ? undefined : maybeSource(host.path);
  if (source === undefined) return undefined;
  try {
    const { size, mtime } = Deno.statSync(source);
    return { size, mtime: mtime?.getTime() ?? 0 };
  } catch {
    return undefined;
  }
}
