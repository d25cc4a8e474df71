/**
 * Blob ingest: temporary name → verify → flush → rename.
 * @module
 */
import { MiseOciError } from "../errors.ts";
import { type Digest, digestHex, parseDigest, Sha256 } from "../oci/mod.ts";
import { join } from "@std/path";
import type { BlobWriter, ExpectedBlob, StoredBlob } from "./ports.ts";
import { type Disk, realDisk } from "./disk.ts";
import { TempFile } from "./temp_file.ts";

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
