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
import { MiseOciError } from "../../errors.ts";
import type { HostStat, LayerEntry } from "../entry.ts";
import { TreeChangedError, treeError } from "../errors.ts";
import { applyPatches, type Patch } from "../relocate/elf_paths.ts";
import { type RewriteOptions, Rewriter, type Rewritten, WHOLE_LIMIT } from "../relocate/rewrite.ts";

/** The content of a file: bytes that are known, then the rest of an open file. */
export interface Content {
  /** Number of bytes in all. */
  readonly size: number;
  /** The first bytes; only valid until the next file is opened. */
  readonly head: Uint8Array;
  /** Whether `head` was searched for directories of the host, and has none. */
  readonly clean?: boolean;
  /** The rest. */
  readonly rest?: OpenFile;
}

/** An open file and how much of it is still to be read. */
export interface OpenFile {
  /** File descriptor. */
  readonly fd: number;
  /** Number of bytes. */
  readonly size: number;
  /** Where they begin in the file. */
  readonly offset: number;
  /** What changes of the file. */
  readonly patches: readonly Patch[] | undefined;
  /** The file. */
  readonly host: HostStat;
}

const { O_RDONLY = 0, O_NONBLOCK = 0, O_NOFOLLOW = 0 } = fs.constants;
/** Most files are smaller and are read with one call. */
const HEAD_SIZE = 64 << 10;

/** Opens the files of one layer, one at a time. */
export class ContentReader {
  readonly #rewriter: Rewriter;
  readonly #head = new Uint8Array(HEAD_SIZE);

  /** Creates a reader with a buffer of its own. */
  constructor(options: RewriteOptions) {
    this.#rewriter = new Rewriter(options);
  }

  /**
   * Opens the content of a file entry. `rest` must be closed by the caller.
   *
   * @param known The file's content as it is on disk, if somebody has read it already.
   * @throws {TreeChangedError} if it is not what the scan saw. @throws {MiseOciError} `io`.
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

/** Bytes of an open file, fewer where it ends, without moving on. */
function readAt(fd: number, at: number, length: number): Uint8Array {
  if (!Number.isSafeInteger(at)) return new Uint8Array(0);
  const bytes = new Uint8Array(length);
  return bytes.subarray(0, fs.readSync(fd, bytes, 0, length, at));
}

/** Fills `into` from an open file. @throws {TreeChangedError} if the file ends before. */
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
    throw treeError(error, "open", host.path);
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

/** The error for a tree that did not hold still, also the second time. */
export function changedError(layer: string, error: TreeChangedError): MiseOciError {
  return new MiseOciError("io", `Cannot build layer "${layer}": ${error.message}`, {
    hint: "Stop whatever changes that directory and build again",
    cause: error,
  });
}
