/**
 * Blobs in memory.
 * @module
 */
import { MiseOciError } from "../errors.ts";
import { type Digest, digestOf, parseDigest, streamingSha256 } from "../oci/mod.ts";
import type {
  BlobRange,
  BlobSink,
  BlobSource,
  BlobWriter,
  ExpectedBlob,
  StoredBlob,
} from "../store/ports.ts";

/**
 * A store of blobs in memory, for programs with small blobs, such as one that builds and pushes a layer.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { MemoryBlobs } from "./memory_blobs.ts";
 *
 * const blobs = new MemoryBlobs();
 * const { digest, size } = blobs.add(new TextEncoder().encode("hello"));
 * assertEquals(size, 5);
 * assertEquals(await new Response(await blobs.open(digest)).text(), "hello");
 * ```
 */
export class MemoryBlobs implements BlobSink, BlobSource {
  readonly #blobs = new Map<Digest, Uint8Array<ArrayBuffer>>();

  /** Adds a complete blob. */
  add(bytes: Uint8Array<ArrayBuffer>): StoredBlob {
    const digest = parseDigest(`sha256:${streamingSha256().update(bytes).digest("hex")}`);
    this.#blobs.set(digest, bytes);
    return { digest, size: bytes.length };
  }

  /** Whether the blob exists. */
  has(digest: Digest, size: number): Promise<boolean> {
    return Promise.resolve(this.#blobs.get(digest)?.length === size);
  }

  /** Creates a blob. */
  create(): Promise<BlobWriter> {
    return Promise.resolve(new MemoryWriter((bytes) => this.add(bytes)));
  }

  /** Size of a blob, or `undefined` if it does not exist. */
  size(digest: Digest): Promise<number | undefined> {
    return Promise.resolve(this.#blobs.get(digest)?.length);
  }

  /** The bytes of a blob or of a range of it. @throws {MiseOciError} `not-found`. */
  open(digest: Digest, range?: BlobRange): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
    const bytes = this.#blobs.get(digest);
    if (bytes === undefined) {
      return Promise.reject(
        new MiseOciError("not-found", `Cannot find blob "${digest}" in memory`),
      );
    }
    return Promise.resolve(ReadableStream.from([bytes.slice(range?.start ?? 0, range?.end)]));
  }
}

class MemoryWriter implements BlobWriter {
  bytesWritten = 0;
  #parts: Uint8Array<ArrayBuffer>[] = [];
  readonly #add: (bytes: Uint8Array<ArrayBuffer>) => StoredBlob;

  constructor(add: (bytes: Uint8Array<ArrayBuffer>) => StoredBlob) {
    this.#add = add;
  }

  write(chunk: Uint8Array): Promise<void> {
    this.#parts.push(chunk.slice());
    this.bytesWritten += chunk.length;
    return Promise.resolve();
  }

  async commit(expected: ExpectedBlob = {}): Promise<StoredBlob> {
    const bytes = new Uint8Array(await new Blob(this.#parts).arrayBuffer());
    const digest = await digestOf(bytes);
    const { digest: wanted = digest, size = bytes.length } = expected;
    if (digest !== wanted || size !== bytes.length) {
      throw new MiseOciError(
        "integrity",
        `Cannot keep blob "${wanted}": its ${bytes.length} bytes have the digest ${digest}`,
      );
    }
    return this.#add(bytes);
  }

  abort(): Promise<void> {
    this.#parts = [];
    return Promise.resolve();
  }
}
