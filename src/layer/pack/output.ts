/**
 * The pipeline for a layer's bytes: split into blocks of fixed size, hashed for the diff ID, compressed,
 * and written in order. With backpressure at every stage, so that memory use does not depend on the layer's
 * size.
 * @module
 */
import { createHash } from "node:crypto";
import zlib from "node:zlib";
import { type DiffId, parseDiffId } from "../../oci/mod.ts";
import { GZIP_HEADER, gzipTrailer } from "../../compress/parameters.ts";
import type { CompressedBlock, CompressionPool, PoolClient } from "../../compress/pool.ts";
import { Semaphore } from "../../concurrency.ts";
import { giveTurn } from "../tree/walk.ts";

/** Receives the bytes of a tar, block by block; readers can read directly into a block. */
export interface TarSink {
  /** Number of free bytes in the current block. */
  readonly available: number;
  /** The free part of the current block. */
  block(): Uint8Array;
  /** Marks bytes of `block()` as filled. */
  advance(bytes: number): void;
  /** Starts an empty block; only allowed if the current one is full. */
  nextBlock(): Promise<void>;
}

/** The result of a completed tar. */
export interface TarSummary {
  /** SHA-256 of the tar. */
  readonly diffId: DiffId;
  /** Length of the tar in bytes. */
  readonly size: number;
}

/** Writes bytes to a sink: synchronously if they fit into the current block, otherwise block by block. */
export function writeAll(sink: TarSink, bytes: Uint8Array): void | Promise<void> {
  if (sink.available < bytes.length) return writeInParts(sink, bytes);
  sink.block().set(bytes);
  sink.advance(bytes.length);
}

async function writeInParts(sink: TarSink, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    if (sink.available === 0) await sink.nextBlock();
    const part = bytes.subarray(done, done + sink.available);
    sink.block().set(part);
    sink.advance(part.length);
    done += part.length;
  }
}

/** Options of {@linkcode LayerOutput} and {@linkcode HashOutput}. */
export interface OutputOptions {
  /** Cancels the operation. */
  readonly signal?: AbortSignal | undefined;
  /** Called for every block, with its size in the tar. */
  readonly onBytes?: ((bytes: number) => void) | undefined;
  /** Whether blocks of other layers have priority; see {@linkcode CompressionPool.join}. */
  readonly yields?: boolean | undefined;
}

/** Compresses a tar into a blob. */
export class LayerOutput implements TarSink {
  readonly #pool: CompressionPool;
  readonly #client: PoolClient;
  readonly #write: (bytes: Uint8Array) => Promise<void>;
  readonly #options: OutputOptions;
  /** Limits the blocks that are being compressed or waiting to be written. */
  readonly #window: Semaphore;
  readonly #tail: Uint8Array;
  readonly #hash = createHash("sha256");
  #written: Promise<void>;
  #failure: { readonly error: unknown } | undefined;
  #buffer: ArrayBuffer | undefined;
  #view: Uint8Array = new Uint8Array(0);
  #position = 0;
  #blocks = 0;
  #crc = 0;
  #size = 0;

  /** Compresses with `pool` and passes the compressed bytes, in order, to `write`. */
  constructor(
    pool: CompressionPool,
    options: OutputOptions & { readonly write: (bytes: Uint8Array) => Promise<void> },
  ) {
    this.#pool = pool;
    this.#client = pool.join({ yields: options.yields ?? false });
    this.#write = options.write;
    this.#options = options;
    this.#window = new Semaphore(pool.workers + 2);
    this.#tail = new Uint8Array(pool.parameters.dictionary);
    this.#written = pool.parameters.kind === "gzip" ? this.#write(GZIP_HEADER) : Promise.resolve();
    this.#written.catch((error) => this.#fail(error));
  }

  /** {@inheritdoc TarSink.available} */
  get available(): number {
    return this.#view.length - this.#position;
  }

  /** {@inheritdoc TarSink.block} */
  block(): Uint8Array {
    return this.#view.subarray(this.#position);
  }

  /** {@inheritdoc TarSink.advance} */
  advance(bytes: number): void {
    this.#position += bytes;
  }

  /** Ends the stream; resolves once every byte is written. */
  async finish(): Promise<TarSummary> {
    this.#submit(true);
    await this.#written;
    if (this.#failure !== undefined) throw this.#failure.error;
    if (this.#pool.parameters.kind === "gzip") {
      await this.#write(gzipTrailer(this.#crc, this.#size));
    }
    return { diffId: parseDiffId(`sha256:${this.#hash.digest("hex")}`), size: this.#size };
  }

  /** Releases all resources after a failure; resolves once nothing is being written. */
  async abort(): Promise<void> {
    if (this.#buffer !== undefined) this.#pool.release(this.#buffer);
    this.#buffer = undefined;
    this.#pool.leave(this.#client);
    await this.#written.catch(() => {});
  }

  /** {@inheritdoc TarSink.nextBlock} */
  async nextBlock(): Promise<void> {
    if (this.#buffer !== undefined) this.#submit(false);
    await this.#window.acquire(this.#options.signal);
    const buffer = await this.#pool.acquire(this.#client, this.#options.signal);
    const { dictionary, blockSize } = this.#pool.parameters;
    this.#buffer = buffer;
    this.#view = new Uint8Array(buffer, dictionary, blockSize);
    this.#position = 0;
    if (this.#blocks > 0) new Uint8Array(buffer, 0, dictionary).set(this.#tail);
  }

  #submit(last: boolean): void {
    const buffer = this.#buffer;
    if (buffer === undefined) throw new Error("No block to submit");
    const { kind, level, dictionary } = this.#pool.parameters;
    const block = this.#view.subarray(0, this.#position);
    this.#hash.update(block);
    if (kind === "gzip") this.#crc = zlib.crc32(block, this.#crc);
    // The block loses its length when the buffer is transferred to a worker.
    const { length } = block;
    this.#size += length;
    this.#tail.set(block.subarray(Math.max(0, length - dictionary)));
    this.#buffer = undefined;
    this.#view = new Uint8Array(0);
    this.#position = 0;
    const job = {
      level,
      start: dictionary,
      end: dictionary + length,
      dictionary: this.#blocks === 0 ? 0 : dictionary,
      last,
    };
    this.#blocks++;
    this.#queue(
      kind === "none"
        ? Promise.resolve({ bytes: block, buffer })
        : this.#pool.compress(this.#client, buffer, { kind, ...job }),
    );
    this.#options.onBytes?.(length);
  }

  /** Writes a block after the earlier ones, and releases its buffer. */
  #queue(compressed: Promise<CompressedBlock>): void {
    compressed.catch(() => {});
    const before = this.#written;
    const write = async (): Promise<void> => {
      try {
        await before;
        await this.#write((await compressed).bytes);
      } finally {
        await compressed.then(({ buffer }) => this.#pool.release(buffer), () => {});
      }
      this.#window.release();
    };
    this.#written = write();
    this.#written.catch((error) => this.#fail(error));
  }

  #fail(error: unknown): void {
    this.#failure ??= { error };
    this.#window.fail(error);
  }
}

/** A tar of which only the diff ID is needed. */
export class HashOutput implements TarSink {
  readonly #options: OutputOptions;
  readonly #hash = createHash("sha256");
  readonly #block = new Uint8Array(1 << 20);
  #position = 0;
  #size = 0;

  /** Starts an empty tar. */
  constructor(options: OutputOptions = {}) {
    this.#options = options;
  }

  /** {@inheritdoc TarSink.available} */
  get available(): number {
    return this.#block.length - this.#position;
  }

  /** {@inheritdoc TarSink.block} */
  block(): Uint8Array {
    return this.#block.subarray(this.#position);
  }

  /** {@inheritdoc TarSink.advance} */
  advance(bytes: number): void {
    this.#position += bytes;
  }

  /** Ends the tar. */
  finish(): TarSummary {
    this.#flush();
    return { diffId: parseDiffId(`sha256:${this.#hash.digest("hex")}`), size: this.#size };
  }

  /** {@inheritdoc TarSink.nextBlock} */
  async nextBlock(): Promise<void> {
    this.#flush();
    // Nothing here waits, so let signals and other layers run.
    await giveTurn(this.#options.signal);
  }

  #flush(): void {
    this.#hash.update(this.#block.subarray(0, this.#position));
    this.#size += this.#position;
    this.#options.onBytes?.(this.#position);
    this.#position = 0;
  }
}
