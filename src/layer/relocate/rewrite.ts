/**
 * What relocation makes of the content of a file (spec.md, section 7): which files hold paths of the host is
 * decided by name and by the bytes that are packed anyway.
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

/** What rewriting depends on. */
export interface RewriteOptions {
  /** The layer's relocations. */
  readonly relocations: RelocationMap;
  /** Whether the image has something at a path without leading slash. */
  readonly provided: (path: string) => boolean;
  /** Receives what will not work in the image. */
  readonly warn: (text: string) => void;
  /** Receives the texts that relocation depends on. */
  readonly texts: RelocatedTexts;
}

/** What becomes of the first bytes of a file. */
export interface Rewritten {
  /** The first bytes as they are in the layer. */
  readonly head: Uint8Array;
  /** Changes of the whole file that leave its length alone, those of `head` included. */
  readonly patches?: readonly Patch[];
  /** Whether the first bytes name no directory of the host, as far as known. */
  readonly clean?: boolean;
}

/** The beginning of a file. */
export interface FileHead {
  /** The first bytes. */
  readonly bytes: Uint8Array;
  /** Whether that is all of it. */
  readonly whole: boolean;
  /** Reads any part of the file. */
  readonly read: ReadAt;
}

/** Larger files are not held in memory, so only their `#!` line and search paths are rewritten. */
export const WHOLE_LIMIT: number = 4 << 20;

/** Names of files that hold the install prefix, whatever their size and wherever the tree was on the host. */
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

/** Names what mise has installed, perhaps for another project. */
const INSTALLED = /\/installs\/[^/]+\/[^/]/;
const NOTHING = new Uint8Array(0);
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/** Rewrites the files of one layer. */
export class Rewriter {
  readonly #options: RewriteOptions;
  /** The rules of the layer's own trees, which are part of its cache key. */
  readonly #own: RelocationMap;
  /** Marks what the own rules cover. */
  readonly #marked: RelocationMap;
  readonly #needles: readonly string[];
  /** The rules that content is rewritten by. */
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

  /** Whether a file that is larger than its first bytes must be in memory to be rewritten. */
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

  /** The content of a text file below its `#!` line; `undefined` if it is not text or nothing changes. */
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

  /** Notes a text whose rewriting depends on tools other than the layer's own. */
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
