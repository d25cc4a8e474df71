/**
 * Opens the files of a layer. A file that was replaced since the scan is detected before it is opened, and
 * a FIFO or link in its place is neither followed nor blocks (fault L03): `lstat` is repeated, and files
 * are opened with `O_NONBLOCK` and `O_NOFOLLOW`. Deno 2.4 ignores these flags, so there a FIFO created in
 * the microseconds between `lstat` and `open` can still block the build. It cannot get into the layer:
 * large files are checked again while open, and every file after packing (`steady.ts`). `fstat` of every
 * file would cost more than opening it.
 * @module
 */
import fs from "node:fs";
import { MiseOciError } from "../../errors.ts";
import type { HostStat, LayerEntry } from "../entry.ts";
import { TreeChangedError, treeError } from "../errors.ts";
import { applyPatches, type Patch } from "../relocate/elf_paths.ts";
import { type RewriteOptions, Rewriter, type Rewritten, WHOLE_LIMIT } from "../relocate/rewrite.ts";

/** The content of a file: bytes in memory, followed by the rest of an open file. */
export interface Content {
  /** Total number of bytes. */
  readonly size: number;
  /** The first bytes; valid only until the next file is opened. */
  readonly head: Uint8Array;
  /** Whether `head` is known not to contain host directories. */
  readonly clean?: boolean;
  /** The rest. */
  readonly rest?: OpenFile;
}

/** An open file and the part still to be read. */
export interface OpenFile {
  /** File descriptor. */
  readonly fd: number;
  /** Number of bytes. */
  readonly size: number;
  /** Offset in the file. */
  readonly offset: number;
  /** Changes to apply to the file's bytes. */
  readonly patches: readonly Patch[] | undefined;
  /** The file. */
  readonly host: HostStat;
}

const { O_RDONLY = 0, O_NONBLOCK = 0, O_NOFOLLOW = 0 } = fs.constants;
/** Files up to this size, which are most, are read with one call. */
const HEAD_SIZE = 64 << 10;

/** Opens the files of one layer, one at a time. */
export class ContentReader {
  readonly #rewriter: Rewriter;
  readonly #head = new Uint8Array(HEAD_SIZE);

  /** Creates a reader with its own buffer. */
  constructor(options: RewriteOptions) {
    this.#rewriter = new Rewriter(options);
  }

  /**
   * Opens the content of a file entry. The caller must close `rest`.
   *
   * @param known The content on disk, if it was already read.
   * @throws {TreeChangedError} if the file differs from the scan. @throws {MiseOciError} `io`.
   */
  open(entry: LayerEntry, known?: Uint8Array): Content {
    if (entry.content !== undefined) return { size: entry.content.length, head: entry.content };
    if (known !== undefined) return inMemory(this.#rewriteWhole(entry, known));
    const { host } = entry;
    if (host === undefined) throw new Error(`Entry "${entry.path}" has no content`);
    const fd = openUnchanged(host);
    let keep = false;
    try {
      const first = this.#head.subarray(0, Math.min(host.size, HEAD_SIZE));
      readFully(fd, first, host);
      const offset = first.length;
      if (offset === host.size) return inMemory(this.#rewriteWhole(entry, first));
      if (host.size <= WHOLE_LIMIT && this.#rewriter.wantsWhole(entry.path, first)) {
        const all = new Uint8Array(host.size);
        all.set(first);
        readFully(fd, all.subarray(offset), host);
        return inMemory(this.#rewriteWhole(entry, all));
      }
      const { head, patches } = this.#rewriter.rewrite(entry, {
        bytes: first,
        whole: false,
        read: (at, length) => readAt(fd, at, length),
      });
      applyPatches(head, 0, patches);
      const size = host.size - offset;
      keep = true;
      return { size: head.length + size, head, rest: { fd, size, offset, patches, host } };
    } finally {
      if (!keep) fs.closeSync(fd);
    }
  }

  #rewriteWhole(entry: LayerEntry, bytes: Uint8Array): Rewritten {
    const read = (at: number, length: number): Uint8Array => bytes.subarray(at, at + length);
    const rewritten = this.#rewriter.rewrite(entry, { bytes, whole: true, read });
    applyPatches(rewritten.head, 0, rewritten.patches);
    return rewritten;
  }
}

function inMemory({ head, clean = false }: Rewritten): Content {
  return { size: head.length, head, clean };
}

/** Reads bytes at an offset, fewer at the end of the file, without changing the position. */
function readAt(fd: number, at: number, length: number): Uint8Array {
  if (!Number.isSafeInteger(at)) return new Uint8Array(0);
  const bytes = new Uint8Array(length);
  return bytes.subarray(0, fs.readSync(fd, bytes, 0, length, at));
}

/** Fills `into` from an open file. @throws {TreeChangedError} if the file is shorter. */
export function readFully(fd: number, into: Uint8Array, host: HostStat): void {
  for (let done = 0; done < into.length;) {
    let count: number;
    try {
      count = fs.readSync(fd, into, done, into.length - done, null);
    } catch (error) {
      throw treeError(error, "read", host.path);
    }
    if (count === 0) throw new TreeChangedError(host.path, "became shorter while it was read");
    done += count;
  }
}

/** Closes a file left open by {@linkcode ContentReader.open}. @throws {TreeChangedError} if it changed. */
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
    // The file was replaced by a link (ELOOP) or a socket (ENXIO).
    if (code === "ELOOP" || code === "ENXIO") throw notAFile(host);
    throw treeError(error, "open", host.path);
  }
}

function notAFile(host: HostStat): TreeChangedError {
  return new TreeChangedError(host.path, "was replaced by something that is not a file");
}

/** A change that keeps the size is detected by the check after packing: see `steady.ts`. */
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

/** The error for a tree that changed during the second attempt too. */
export function changedError(layer: string, error: TreeChangedError): MiseOciError {
  return new MiseOciError("io", `Cannot build layer "${layer}": ${error.message}`, {
    hint: "Stop whatever changes that directory and build again",
    cause: error,
  });
}
