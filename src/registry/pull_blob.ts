/**
 * Pulls a blob into a store: streamed, verified, resumed after a broken connection.
 * @module
 */
import { MiseOciError } from "../errors.ts";
import { type Descriptor, isForeignLayer } from "../oci/mod.ts";
import type { BlobSink, BlobWriter } from "../store/ports.ts";
import { networkFailure } from "./failure.ts";
import { blobName, getBlob } from "./get_blob.ts";
import type { HttpResponse } from "./http.ts";
import type { Attempts, FailedAttempt } from "./retry.ts";
import type { RegistryClient } from "./transport.ts";

/** Options of {@linkcode pullBlob}. */
export interface PullBlobOptions {
  /** Repository. */
  readonly repository: string;
  /** The blob. */
  readonly descriptor: Descriptor;
  /** Destination. */
  readonly sink: BlobSink;
  /** Called with the number of new bytes; negative if bytes had to be discarded. */
  readonly onBytes?: (bytes: number) => void;
  /** Aborts the download; written bytes are discarded. */
  readonly signal?: AbortSignal | undefined;
}

/** Whether the blob was downloaded or already existed. */
export type PullOutcome = "pulled" | "present";

/** Progress in bytes after which the attempts of a download start again from zero. */
const PROGRESS_BYTES = 1024 * 1024;

/**
 * Pulls a blob into a store, unless it already exists. A broken download is resumed if the registry supports
 * that; bytes of two responses are never joined unless the registry has confirmed that they belong together.
 * Bytes that do not match their digest are fetched once more from the start. Memory use does not depend on
 * the blob's size.
 *
 * @throws {MiseOciError} `integrity` if the bytes are not those of the descriptor; `unsupported` for a
 * foreign layer, whose bytes would have to come from a URL in the image; `not-found`, `auth`, `registry`,
 * `network`; `io` from the store.
 */
export async function pullBlob(
  client: RegistryClient,
  options: PullBlobOptions,
): Promise<PullOutcome> {
  const { repository, descriptor, sink } = options;
  const { digest, size, mediaType } = descriptor;
  if (isForeignLayer(mediaType)) {
    throw new MiseOciError(
      "unsupported",
      `Cannot pull layer "${
        blobName(client, repository, digest)
      }": it is a foreign layer (${mediaType})`,
      { hint: "Its bytes are not in the registry; use an image without such layers" },
    );
  }
  if (await sink.has(digest, size)) return "present";
  for (let attempt = 1;; attempt++) {
    const download = new Download(client, options, await sink.create());
    try {
      await download.run();
      await download.commit();
      return "pulled";
    } catch (error) {
      if (!(error instanceof WrongBytes)) throw error;
      if (attempt === 2) throw error.error;
      client.log(1, `${error.error.message}; fetching it again`);
    } finally {
      await download.end();
    }
  }
}

/** All bytes were received, but they are wrong. */
class WrongBytes extends Error {
  constructor(readonly error: MiseOciError) {
    super(error.message);
  }
}

/** The connection broke while the body was received. */
class BrokenBody extends Error {
  constructor(readonly failure: FailedAttempt) {
    super(failure.error.message);
  }
}

/** The body; its own failures are distinguished from those of the consumer. */
async function* received(response: HttpResponse): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  try {
    yield* response.chunks();
  } catch (thrown) {
    throw new BrokenBody(networkFailure(thrown));
  }
}

class Download {
  readonly #client: RegistryClient;
  readonly #options: PullBlobOptions;
  readonly #name: string;
  readonly #attempts: Attempts;
  #writer: BlobWriter;
  #etag: string | undefined;
  #furthest = 0;
  #restarts = 0;
  #committed = false;

  constructor(client: RegistryClient, options: PullBlobOptions, writer: BlobWriter) {
    this.#client = client;
    this.#options = options;
    this.#writer = writer;
    this.#name = blobName(client, options.repository, options.descriptor.digest);
    this.#attempts = client.attempts(options.signal);
  }

  /** Writes all bytes, in as many requests as necessary. */
  async run(): Promise<void> {
    const { size } = this.#options.descriptor;
    for (;;) {
      const response = await this.#next();
      try {
        await this.#take(response);
        if (this.#writer.bytesWritten === size) return;
        throw new BrokenBody({
          error: this.#wrong(`it ends after ${this.#writer.bytesWritten} of ${size} bytes`),
        });
      } catch (error) {
        if (!(error instanceof BrokenBody)) throw error;
        if (this.#writer.bytesWritten >= this.#furthest + PROGRESS_BYTES) {
          this.#furthest = this.#writer.bytesWritten;
          this.#attempts.reset();
        }
        await this.#attempts.again(error.failure);
      }
    }
  }

  /** Verifies the bytes and renames the blob to its final name. */
  async commit(): Promise<void> {
    const { digest, size } = this.#options.descriptor;
    try {
      await this.#writer.commit({ digest, size });
      this.#committed = true;
    } catch (error) {
      if (error instanceof MiseOciError && error.code === "integrity") {
        throw new WrongBytes(this.#wrong("its bytes do not match its digest", error));
      }
      throw error;
    }
  }

  /** Discards uncommitted bytes. */
  async end(): Promise<void> {
    if (this.#committed) return;
    this.#options.onBytes?.(-this.#writer.bytesWritten);
    await this.#writer.abort();
  }

  /** A response whose body begins where the written bytes end. */
  async #next(): Promise<HttpResponse> {
    for (;;) {
      const start = this.#writer.bytesWritten;
      const response = await getBlob(this.#client, this.#options, { start, etag: this.#etag });
      if (start === 0) {
        this.#etag = response.headers.get("etag") ?? undefined;
        return response;
      }
      if (response.status === 206 && this.#continues(response, start)) return response;
      if (response.status === 200) {
        await this.#restart();
        this.#etag = response.headers.get("etag") ?? undefined;
        return response;
      }
      await response.discard();
      await this.#restart();
    }
  }

  /** Whether a partial response is exactly the rest of the same blob. */
  #continues(response: HttpResponse, start: number): boolean {
    const { size } = this.#options.descriptor;
    const etag = response.headers.get("etag") ?? undefined;
    if (etag !== undefined && this.#etag !== undefined && etag !== this.#etag) return false;
    const range = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(response.headers.get("content-range") ?? "");
    if (range === null) return false;
    const [, first, last, total] = range;
    return Number(first) === start && Number(last) === size - 1 &&
      (total === "*" || Number(total) === size);
  }

  /** Starts again, because the download cannot be resumed. */
  async #restart(): Promise<void> {
    this.#client.log(
      1,
      `Cannot continue "${this.#name}" at byte ${this.#writer.bytesWritten}; starting again`,
    );
    this.#options.onBytes?.(-this.#writer.bytesWritten);
    await this.#writer.abort();
    this.#writer = await this.#options.sink.create();
    this.#etag = undefined;
    this.#restarts++;
  }

  async #take(response: HttpResponse): Promise<void> {
    const { descriptor: { size }, onBytes } = this.#options;
    const tooLong = (): WrongBytes =>
      new WrongBytes(this.#wrong(`it is longer than the ${size} bytes of its descriptor`));
    if ((response.contentLength ?? 0) > size - this.#writer.bytesWritten) {
      await response.discard();
      throw tooLong();
    }
    for await (const chunk of received(response)) {
      if (this.#writer.bytesWritten + chunk.length > size) throw tooLong();
      await this.#writer.write(chunk);
      onBytes?.(chunk.length);
    }
  }

  #wrong(why: string, cause?: unknown): MiseOciError {
    return new MiseOciError("integrity", `Cannot pull blob "${this.#name}": ${why}`, {
      hint: "The registry, or something between here and it, damages what it sends; do not use it",
      cause,
    });
  }
}
