/**
 * Opens the files of a layer, and nothing else. A file that was replaced since the scan is noticed before
 * it is opened; a FIFO or a link in its place is not followed and does not block (fault L03): `lstat` is
 * asked again, and files are opened with `O_NONBLOCK` and `O_NOFOLLOW`. Deno 2.4 drops those flags: there,
 * what is swapped in between the second `lstat` and `open`, a few µs, can still block the build. It does
 * not get into the layer: large files are asked again while they are open, and every file once all are
 * packed (`steady.ts`). `fstat` of every file would cost more than opening it.
 * @module
 */
import fs from "node:fs";
import { MiseOciError } from "../errors.ts";
import type { RelocatedTexts } from "./dependencies.ts";
import type { HostStat, LayerEntry } from "./entry.ts";
import { ioError, TreeChangedError } from "./errors.ts";
import { isActivateScript, isInstallRecord, maybeNormalizeRecord } from "./python_files.ts";
import {
  maybeRelocateShebang,
  maybeShebang,
  rebaseText,
  type RelocationMap,
  SHEBANG_LIMIT,
  SHEBANG_LIMIT_OLD,
} from "./relocate.ts";
import { relocateVenvConfig } from "./venv.ts";

/** The content of a file: bytes that are known, then the rest of an open file. */
export interface Content {
  /** Number of bytes in all. */
  readonly size: number;
  /** The first bytes; only valid until the next file is opened. */
  readonly head: Uint8Array;
  /** The rest. */
  readonly rest?: OpenFile;
}

/** An open file and how much of it is still to be read. */
export interface OpenFile {
  /** File descriptor. */
  readonly fd: number;
  /** Number of bytes. */
  readonly size: number;
  /** The file. */
  readonly host: HostStat;
}

/** How content is opened. */
export interface ContentOptions {
  /** The layer's relocations. */
  readonly relocations: RelocationMap;
  /** Whether the image has something at a path without leading slash. */
  readonly provided: (path: string) => boolean;
  /** Told of what will not work in the image. */
  readonly warn: (text: string) => void;
  /** Told of the texts that relocation looked at. */
  readonly texts: RelocatedTexts;
}

const { O_RDONLY = 0, O_NONBLOCK = 0, O_NOFOLLOW = 0 } = fs.constants;
/** Most files are smaller and are read with one call. */
const HEAD_SIZE = 64 << 10;
const NOTHING = new Uint8Array(0);

/** Opens the files of one layer, one at a time. */
export class ContentReader {
  readonly #options: ContentOptions;
  readonly #head = new Uint8Array(HEAD_SIZE);

  /** Creates a reader with a buffer of its own. */
  constructor(options: ContentOptions) {
    this.#options = options;
  }

  /**
   * Opens the content of a file entry. `rest` must be closed by the caller.
   *
   * @param known The file's content as it is on disk, if somebody has read it already.
   * @throws {TreeChangedError} if it is not what the scan saw. @throws {MiseOciError} `io`.
   */
  open(entry: LayerEntry, known?: Uint8Array): Content {
    if (entry.content !== undefined) return { size: entry.content.length, head: entry.content };
    if (known !== undefined) {
      const head = this.#relocate(entry, known);
      return { size: head.length, head };
    }
    const { host } = entry;
    if (host === undefined) throw new Error(`Entry "${entry.path}" has no content`);
    const fd = openUnchanged(host);
    let keep = false;
    try {
      const first = this.#head.subarray(0, Math.min(host.size, HEAD_SIZE));
      readFully(fd, first, host);
      const head = this.#relocate(entry, first);
      const unread = host.size - first.length;
      if (unread === 0) return { size: head.length, head };
      keep = true;
      return { size: head.length + unread, head, rest: { fd, size: unread, host } };
    } finally {
      if (!keep) fs.closeSync(fd);
    }
  }

  #relocate(entry: LayerEntry, first: Uint8Array): Uint8Array {
    const { bytes, replaced } = relocateContent(entry, first, this.#options);
    return replaced === 0 ? first : concat(bytes, first.subarray(replaced));
  }
}

/** Fills `into` from an open file. @throws {TreeChangedError} if the file ends before. */
export function readFully(fd: number, into: Uint8Array, host: HostStat): void {
  for (let done = 0; done < into.length;) {
    let count: number;
    try {
      count = fs.readSync(fd, into, done, into.length - done, null);
    } catch (error) {
      throw ioError(error, "read", host.path);
    }
    if (count === 0) throw new TreeChangedError(host.path, "became shorter while it was read");
    done += count;
  }
}

/** Closes what {@linkcode ContentReader.open} left open. @throws {TreeChangedError} if the file changed. */
export function closeContent({ fd, host }: OpenFile): void {
  try {
    const stats = fs.fstatSync(fd);
    const { ino, dev, size } = stats;
    checkUnchanged({ isFile: stats.isFile(), ino, dev, size }, host);
  } finally {
    fs.closeSync(fd);
  }
}

function openUnchanged(host: HostStat): number {
  try {
    checkUnchanged(Deno.lstatSync(host.path), host);
    return fs.openSync(host.path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    // A link (ELOOP) or a socket (ENXIO) has taken the file's place.
    if (code === "ELOOP" || code === "ENXIO") throw notAFile(host);
    throw ioError(error, "open", host.path);
  }
}

function notAFile(host: HostStat): TreeChangedError {
  return new TreeChangedError(host.path, "was replaced by something that is not a file");
}

/** A change that leaves the size alone is noticed when the tree is looked at again: see `steady.ts`. */
function checkUnchanged(
  now: Pick<Deno.FileInfo, "isFile" | "ino" | "dev" | "size">,
  host: HostStat,
): void {
  if (!now.isFile) throw notAFile(host);
  if (host.ino !== 0 && (now.ino !== host.ino || now.dev !== host.dev)) {
    throw new TreeChangedError(host.path, "was replaced while the layer was built");
  }
  if (now.size !== host.size) {
    throw new TreeChangedError(
      host.path,
      `changed its size from ${host.size} to ${now.size} bytes while the layer was built`,
    );
  }
}

function relocateContent(
  entry: LayerEntry,
  first: Uint8Array,
  options: ContentOptions,
): { bytes: Uint8Array; replaced: number } {
  const { relocations, texts } = options;
  if (relocations.rules.length === 0) return { bytes: NOTHING, replaced: 0 };
  const whole = entry.host?.size === first.length;
  if (whole && entry.path.endsWith("/pyvenv.cfg")) return relocateVenv(entry, first, options);
  if (whole && isActivateScript(entry.path, first)) return relocateText(first, options);
  if (isInstallRecord(entry.path)) {
    return maybeNormalizeRecord(first) ?? { bytes: NOTHING, replaced: 0 };
  }
  const before = maybeShebang(first);
  if (before === undefined) return { bytes: NOTHING, replaced: 0 };
  const moved = maybeRelocateShebang(first, relocations);
  const after = moved === undefined ? before : new TextDecoder().decode(moved.bytes);
  texts.add({ kind: "shebang", before, after });
  if (moved === undefined) return { bytes: NOTHING, replaced: 0 };
  if (moved.shebang > SHEBANG_LIMIT) {
    options.warn(
      `The "#!" line of "/${entry.path}" is over ${SHEBANG_LIMIT} bytes: Linux cuts it off`,
    );
  } else if (moved.shebang > SHEBANG_LIMIT_OLD) {
    options.warn(`The "#!" line of "/${entry.path}" is too long for Linux before 5.1`);
  }
  return moved;
}

/** Relocates every path of a text. */
function relocateText(
  first: Uint8Array,
  { relocations, texts }: ContentOptions,
): { bytes: Uint8Array; replaced: number } {
  const before = new TextDecoder().decode(first);
  const after = rebaseText(before, relocations);
  texts.add({ kind: "shebang", before, after });
  return { bytes: new TextEncoder().encode(after), replaced: first.length };
}

function relocateVenv(
  entry: LayerEntry,
  first: Uint8Array,
  { relocations, provided, warn, texts }: ContentOptions,
): { bytes: Uint8Array; replaced: number } {
  const before = new TextDecoder().decode(first);
  const { text, missing } = relocateVenvConfig(before, relocations);
  texts.add({ kind: "venv", before, after: text });
  if (missing !== undefined && !provided(missing.replace(/^\//, ""))) {
    warn(`Python environment "/${entry.path}" needs "${missing}", which the image does not have`);
  }
  return { bytes: new TextEncoder().encode(text), replaced: first.length };
}

function concat(a: Uint8Array, b: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(a.length + b.length);
  bytes.set(a);
  bytes.set(b, a.length);
  return bytes;
}

/** The error for a tree that did not hold still, also the second time. */
export function changedError(layer: string, error: TreeChangedError): MiseOciError {
  return new MiseOciError("io", `Cannot build layer "${layer}": ${error.message}`, {
    hint: "Stop whatever changes that directory and build again",
    cause: error,
  });
}
