/**
 * A directory of blobs, `blobs/sha256`, that are named by the hex digits of their digests. A blob is written to
 * a temporary name, verified, flushed and renamed.
 * @module
 */
import { join } from "@std/path";
import { MiseOciError } from "../errors.ts";
import { type Digest, digestHex, parseDigest, Sha256 } from "../oci/mod.ts";
import { type Disk, realDisk } from "./disk.ts";
import { ioError, maybeLstat, withPath } from "./io_error.ts";
import type { BlobRange, BlobSource, BlobWriter, ExpectedBlob, StoredBlob } from "./ports.ts";
import { TempFile } from "./temp_file.ts";

/**
 * Bytes per read: larger buffers are garbage-collected later (peak when pushing 2 GB: 146 MB instead of 116).
 */
const CHUNK = 64 * 1024;

/** A file's bytes as a stream. */
export interface FileStreamOptions {
  /** First byte. */
  readonly start: number;
  /** One past the last byte. */
  readonly end: number;
  /** A description of the source, for messages. */
  readonly what: string;
  /** Digest that the bytes must have; unset for a part of a blob. */
  readonly digest?: Digest;
}

/**
 * Streams a part of a file and closes it at the end. If a digest is given the stream fails with
 * `integrity` instead of ending when the bytes differ.
 */
export function streamFile(
  file: Deno.FsFile,
  options: FileStreamOptions,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const { start, end, what, digest } = options;
  const hash = digest === undefined ? undefined : new Sha256();
  let left = end - start;
  let open = true;
  const close = (): void => {
    if (open) file.close();
    open = false;
  };
  const fail = (why: string): never => {
    throw new MiseOciError("integrity", `Cannot read ${what}: ${why}`);
  };
  const pull = async (
    controller: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>,
  ): Promise<void> => {
    try {
      if (left > 0) {
        const buffer = new Uint8Array(Math.min(CHUNK, left));
        const read = await file.read(buffer);
        if (read === null) fail("it is shorter than it was");
        const bytes = buffer.subarray(0, read ?? 0);
        left -= bytes.length;
        hash?.update(bytes);
        controller.enqueue(bytes);
      }
      if (left > 0) return;
      if (hash !== undefined) {
        const actual = `sha256:${await hash.hex()}`;
        if (actual !== digest) fail(`its bytes have digest "${actual}"`);
      }
      close();
      controller.close();
    } catch (error) {
      close();
      throw ioError(error, "read", what);
    }
  };
  const seek = async (): Promise<void> => {
    if (start > 0) await file.seek(start, Deno.SeekMode.Start);
  };
  return new ReadableStream({ start: seek, pull, cancel: close }, { highWaterMark: 0 });
}

/** Checks a range against a blob's size. @throws {RangeError} if it is outside. */
export function checkRange(range: BlobRange, size: number): { start: number; end: number } {
  const { start, end = size } = range;
  if (!(Number.isSafeInteger(start) && start >= 0 && start <= end && end <= size)) {
    throw new RangeError(`Range ${start} to ${end} is not within ${size} bytes`);
  }
  return { start, end };
}

/** Reads blobs from a directory. Links and special files are not blobs: they may lead anywhere. */
export class BlobDirectory implements BlobSource {
  /** The absolute directory, `…/blobs/sha256`. */
  readonly path: string;
  readonly #place: string;

  /** @param place the layout or cache, for messages: `image layout "/x"`. */
  constructor(path: string, place: string) {
    this.path = path;
    this.#place = place;
  }

  /** The absolute path of a blob. */
  pathOf(digest: Digest): string {
    return join(this.path, digestHex(digest));
  }

  size(digest: Digest): Promise<number | undefined> {
    return Promise.try(() => {
      const info = maybeLstat(this.pathOf(digest));
      return info?.isFile ? info.size : undefined;
    });
  }

  /**
   * A stamp of a blob's file: its inode, size and times. `undefined` for a file that changed within the last
   * two seconds: Deno returns `ctime` in whole seconds, so another change might not be visible.
   */
  state(digest: Digest): Promise<string | undefined> {
    return Promise.try(() => {
      const info = maybeLstat(this.pathOf(digest));
      if (!info?.isFile) return undefined;
      const { dev, ino, size, mtime, ctime } = info;
      if (Date.now() - (ctime?.getTime() ?? 0) < 2000) return undefined;
      return [dev, ino, size, mtime?.getTime(), ctime?.getTime()].join(" ");
    });
  }

  async open(digest: Digest, range?: BlobRange): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
    const path = this.pathOf(digest);
    const info = maybeLstat(path);
    if (info === undefined || !info.isFile) {
      const why = info === undefined ? "it is not there" : "it is not a regular file";
      throw new MiseOciError("not-found", `Cannot read blob "${digest}" of ${this.#place}: ${why}`);
    }
    const file = await withPath("open", path, () => Deno.open(path));
    const what = `blob "${digest}" of ${this.#place}`;
    try {
      const { size } = await file.stat();
      if (range === undefined) return streamFile(file, { start: 0, end: size, what, digest });
      return streamFile(file, { ...checkRange(range, size), what });
    } catch (error) {
      file.close();
      throw ioError(error, "read", path);
    }
  }
}

/** Options of {@linkcode FileBlobWriter.create}. */
export interface FileBlobWriterOptions {
  /** The disk; a test may give its own. */
  readonly disk?: Disk;
  /** Called with the blob and its file once it has its final name. */
  readonly onCommit?: (blob: StoredBlob, info: Deno.FileInfo) => Promise<void>;
}

/** @throws {MiseOciError} `integrity` unless the bytes written are the expected ones. */
function checkExpected(stored: StoredBlob, expected: ExpectedBlob): void {
  const { digest, size } = expected;
  const name = digest ?? stored.digest;
  if (size !== undefined && size !== stored.size) {
    throw new MiseOciError(
      "integrity",
      `Cannot store blob "${name}": ${stored.size} bytes written, ${size} expected`,
    );
  }
  if (digest !== undefined && digest !== stored.digest) {
    throw new MiseOciError(
      "integrity",
      `Cannot store blob "${name}": its bytes have digest "${stored.digest}"`,
    );
  }
}

/** Writes one blob into a directory of blobs that are named by the hex digits of their digests. */
export class FileBlobWriter implements BlobWriter {
  readonly #directory: string;
  readonly #file: TempFile;
  readonly #options: FileBlobWriterOptions;
  readonly #hash = new Sha256();
  #bytesWritten = 0;

  private constructor(directory: string, file: TempFile, options: FileBlobWriterOptions) {
    this.#directory = directory;
    this.#file = file;
    this.#options = options;
  }

  /** Begins a blob in `directory`, which must exist. @throws {MiseOciError} `io`. */
  static async create(
    directory: string,
    options: FileBlobWriterOptions = {},
  ): Promise<FileBlobWriter> {
    const file = await TempFile.create(directory, options.disk ?? realDisk);
    return new FileBlobWriter(directory, file, options);
  }

  get bytesWritten(): number {
    return this.#bytesWritten;
  }

  async write(chunk: Uint8Array): Promise<void> {
    // The thread that writes and this one, which hashes, work in parallel.
    const written = this.#file.write(chunk);
    if (this.#file.isOpen) this.#hash.update(chunk);
    await written;
    this.#bytesWritten += chunk.length;
  }

  async commit(expected: ExpectedBlob = {}): Promise<StoredBlob> {
    if (!this.#file.isOpen) {
      throw new MiseOciError("io", `Cannot write "${this.#file.path}": it was closed before`);
    }
    const digest: Digest = parseDigest(`sha256:${await this.#hash.hex()}`);
    const stored: StoredBlob = { digest, size: this.#bytesWritten };
    try {
      checkExpected(stored, expected);
    } catch (error) {
      await this.abort();
      throw error;
    }
    const info = await this.#file.commit(join(this.#directory, digestHex(digest)));
    await this.#options.onCommit?.(stored, info);
    return stored;
  }

  async abort(): Promise<void> {
    await this.#file.abort();
  }
}
