/**
 * Streams the blobs of a repository to another registry or into an archive without a temporary file.
 * @module
 */
import { MiseOciError } from "../errors.ts";
import { type Descriptor, type Digest, streamingSha256 } from "../oci/mod.ts";
import type { BlobRange, BlobSink, BlobSource, BlobWriter } from "../store/ports.ts";
import { blobName, getBlob } from "./get_blob.ts";
import { pullBlob } from "./pull_blob.ts";
import type { RegistryClient } from "./transport.ts";

/** Options of {@linkcode RemoteBlobs}. */
export interface RemoteBlobsOptions {
  /** Repository. */
  readonly repository: string;
  /** The requested blobs, with their stated sizes. */
  readonly blobs: readonly Descriptor[];
  /** Aborts all downloads. */
  readonly signal?: AbortSignal | undefined;
}

/** The blobs of a repository for a list of descriptors. A blob is fetched when it is opened. */
export class RemoteBlobs implements BlobSource {
  readonly #client: RegistryClient;
  readonly #options: RemoteBlobsOptions;
  readonly #blobs: ReadonlyMap<Digest, Descriptor>;

  /** Fetches nothing. */
  constructor(client: RegistryClient, options: RemoteBlobsOptions) {
    this.#client = client;
    this.#options = options;
    this.#blobs = new Map(options.blobs.map((blob) => [blob.digest, blob]));
  }

  /** The stated size of a blob, or `undefined` if there is no descriptor for it. */
  size(digest: Digest): Promise<number | undefined> {
    return Promise.resolve(this.#blobs.get(digest)?.size);
  }

  /** Opens a blob. @throws {MiseOciError} `not-found`; the stream fails as {@linkcode pullBlob} does. */
  open(
    digest: Digest,
    range: BlobRange = { start: 0 },
  ): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
    const blob = this.#blobs.get(digest);
    if (blob === undefined) {
      const name = blobName(this.#client, this.#options.repository, digest);
      return Promise.reject(new MiseOciError("not-found", `Cannot find blob "${name}"`));
    }
    const { start, end = blob.size } = range;
    if (start === 0 && end === blob.size) return Promise.resolve(this.#whole(blob));
    return Promise.resolve(ReadableStream.from(this.#part(blob, start, end)));
  }

  /** The complete blob: resumed if the connection breaks, and verified before the stream ends. */
  #whole(descriptor: Descriptor): ReadableStream<Uint8Array<ArrayBuffer>> {
    const { readable, writable } = new TransformStream<
      Uint8Array<ArrayBuffer>,
      Uint8Array<ArrayBuffer>
    >();
    const writer = writable.getWriter();
    const { repository, signal } = this.#options;
    const sink = new StreamSink(writer);
    pullBlob(this.#client, { repository, descriptor, sink, ...(signal ? { signal } : {}) }).then(
      () => writer.close(),
      (error) => writer.abort(error),
    ).catch(() => {}); // The reader was cancelled or receives the error itself.
    return readable;
  }

  async *#part(
    descriptor: Descriptor,
    start: number,
    end: number,
  ): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    const { repository, signal } = this.#options;
    const response = await getBlob(this.#client, { repository, descriptor, signal }, { start });
    if (response.status === 416) {
      await response.discard();
      const name = blobName(this.#client, repository, descriptor.digest);
      throw new MiseOciError("registry", `Cannot fetch blob "${name}" from byte ${start} on`);
    }
    let at = response.status === 206 ? start : 0;
    for await (const chunk of response.chunks()) {
      const piece = chunk.subarray(Math.max(0, start - at), Math.max(0, end - at));
      at += chunk.length;
      if (piece.length > 0) yield piece;
      if (at >= end) return;
    }
  }
}

/** Forwards a download as it is received. It cannot start again once bytes have been forwarded. */
class StreamSink implements BlobSink {
  #started = false;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;

  constructor(writer: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>) {
    this.#writer = writer;
  }

  has(): Promise<boolean> {
    return Promise.resolve(false);
  }

  create(): Promise<BlobWriter> {
    if (this.#started) {
      return Promise.reject(
        new MiseOciError("integrity", "Cannot stream a blob: its download had to begin again", {
          hint: "The registry damages what it sends, or cannot resume a download; try again",
        }),
      );
    }
    const hash = streamingSha256();
    const writer = this.#writer;
    let bytesWritten = 0;
    return Promise.resolve({
      get bytesWritten(): number {
        return bytesWritten;
      },
      write: async (chunk) => {
        this.#started = true;
        const piece = chunk.slice();
        hash.update(piece);
        bytesWritten += piece.length;
        await writer.write(piece);
      },
      commit: ({ digest, size } = {}) => {
        const actual = `sha256:${hash.digest("hex")}` as Digest;
        if (actual === digest && bytesWritten === size) {
          return Promise.resolve({ digest: actual, size: bytesWritten });
        }
        return Promise.reject(
          new MiseOciError("integrity", `${bytesWritten} bytes with the digest ${actual} came`),
        );
      },
      abort: () => Promise.resolve(),
    });
  }
}
