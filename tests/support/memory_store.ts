/**
 * A store of blobs in memory that keeps the promises of `src/store/ports.ts`, and counts.
 * @module
 */
import { createHash } from "node:crypto";
import { type Digest, MiseOciError, parseDigest } from "../../src/oci/mod.ts";
import type {
  BlobRange,
  BlobSink,
  BlobSource,
  BlobWriter,
  ExpectedBlob,
  StoredBlob,
} from "../../src/store/ports.ts";

/** See the module. */
export class MemoryStore implements BlobSink, BlobSource {
  /** The blobs that were committed. */
  readonly blobs: Map<Digest, Uint8Array<ArrayBuffer>> = new Map();
  /** Writers that were neither committed nor aborted. */
  openWriters = 0;
  /** The most bytes that one writer held. */
  mostWritten = 0;

  has(digest: Digest, size: number): Promise<boolean> {
    return Promise.resolve(this.blobs.get(digest)?.length === size);
  }

  create(): Promise<BlobWriter> {
    this.openWriters++;
    return Promise.resolve(new MemoryWriter(this));
  }

  size(digest: Digest): Promise<number | undefined> {
    return Promise.resolve(this.blobs.get(digest)?.length);
  }

  open(digest: Digest, range?: BlobRange): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
    const bytes = this.blobs.get(digest);
    if (bytes === undefined) {
      return Promise.reject(new MiseOciError("not-found", `Cannot find blob "${digest}"`));
    }
    return Promise.resolve(ReadableStream.from([bytes.slice(range?.start ?? 0, range?.end)]));
  }
}

class MemoryWriter implements BlobWriter {
  bytesWritten = 0;
  #parts: Uint8Array<ArrayBuffer>[] = [];
  #open = true;
  constructor(readonly store: MemoryStore) {}

  write(chunk: Uint8Array): Promise<void> {
    if (!this.#open) throw new Error("written to after its end");
    this.#parts.push(chunk.slice());
    this.bytesWritten += chunk.length;
    this.store.mostWritten = Math.max(this.store.mostWritten, this.bytesWritten);
    return Promise.resolve();
  }

  commit(expected: ExpectedBlob = {}): Promise<StoredBlob> {
    this.#end();
    const hash = createHash("sha256");
    for (const part of this.#parts) hash.update(part);
    const digest = parseDigest(`sha256:${hash.digest("hex")}`);
    const size = this.bytesWritten;
    if (
      (expected.digest ?? digest) !== digest || (expected.size ?? size) !== size
    ) {
      return Promise.reject(new MiseOciError("integrity", "Bytes do not match"));
    }
    this.store.blobs.set(digest, new Uint8Array(this.#parts.flatMap((part) => [...part])));
    return Promise.resolve({ digest, size });
  }

  abort(): Promise<void> {
    this.#end();
    return Promise.resolve();
  }

  #end(): void {
    if (this.#open) this.store.openWriters--;
    this.#open = false;
  }
}
