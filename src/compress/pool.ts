/**
 * The compression workers of a build, shared by all its layers.
 *
 * Memory is bounded: there is a fixed number of block buffers, which are passed between the layers and the
 * workers and reused. Layers take turns: a free worker gets the next block of the layer that has waited
 * longest, so a large layer does not delay a small one.
 * @module
 */
import { MiseOciError } from "../errors.ts";
import type { CompressionChoice } from "../oci/compression.ts";
import { type CompressionParameters, compressionParameters } from "./parameters.ts";
import { type BlockJob, compressBlock } from "./block.ts";
import type { WorkerRequest, WorkerResponse } from "./deflate_worker.ts";
import { Semaphore } from "../concurrency.ts";

/** Options of {@linkcode createCompressionPool}. */
export interface CompressionPoolOptions {
  /** How layers are compressed. */
  readonly compression: CompressionChoice;
  /** Number of workers; default: the number of cores. The bytes do not depend on it. */
  readonly workers?: number;
  /** Module of the worker; only tests set another. */
  readonly workerUrl?: URL;
}

/** A compressed block, in a buffer that must be released once it is written. */
export interface CompressedBlock {
  /** The bytes. */
  readonly bytes: Uint8Array;
  /** What holds them. */
  readonly buffer: ArrayBuffer;
}

/** A block that is to be compressed. */
export interface WaitingBlock {
  /** What holds the bytes. */
  readonly buffer: ArrayBuffer;
  /** Where they are in it, and how they are compressed. */
  readonly job: BlockJob;
  /** Receives the compressed block. */
  readonly resolve: (block: CompressedBlock) => void;
  /** Takes what went wrong. */
  readonly reject: (error: unknown) => void;
}

/** One layer as a client of the pool. */
export interface PoolClient {
  /** Blocks that no worker has taken yet, oldest first. */
  readonly queue: WaitingBlock[];
  /** Whether its blocks wait while other clients have some. */
  readonly yields: boolean;
}

/**
 * Blocks up to this size are compressed synchronously on the calling thread; no worker is started for them.
 */
const INLINE_LIMIT = 64 << 10;

/** Incompressible data grows by at most 5 bytes per 16 KiB (deflate stored blocks). */
const GROWTH = 16 << 10;

/**
 * Number of zstd blocks after which a worker is replaced. `node:zlib` frees the memory of a stream (35 kB a
 * block) only in a full garbage collection, which is rare; a new worker costs 20 ms, 1 % of the time of these
 * blocks.
 */
const WORKER_BLOCKS = 256;

/**
 * Number of blocks that a worker has: the one that it compresses, and the next, so that it need not wait for
 * the main thread.
 */
const BLOCKS_AT_WORKER = 2;

/** A worker. */
interface Place {
  readonly worker: Worker;
  /** Its blocks, oldest first; it processes them in this order. */
  readonly blocks: WaitingBlock[];
  /** How many it ever had. */
  count: number;
}

/** The workers of a build. Close it, or the program does not end. */
export class CompressionPool implements AsyncDisposable {
  /** How layers are split into blocks and framed. */
  readonly parameters: CompressionParameters;
  /** Number of workers at most. */
  readonly workers: number;
  readonly #workerUrl: URL;
  readonly #buffers: ArrayBuffer[] = [];
  readonly #permits: Semaphore;
  readonly #places = new Set<Place>();
  #clients: PoolClient[] = [];
  #closed = false;

  /** See {@linkcode createCompressionPool}. */
  constructor(options: CompressionPoolOptions) {
    this.parameters = compressionParameters(options.compression);
    this.workers = Math.max(1, Math.floor(options.workers ?? navigator.hardwareConcurrency));
    this.#workerUrl = options.workerUrl ?? new URL("./deflate_worker.ts", import.meta.url);
    this.#permits = new Semaphore(3 * this.workers + 2);
  }

  /** Number of workers that have been started. */
  get started(): number {
    return this.#places.size;
  }

  /**
   * Starts as many workers as this number of bytes of tar keeps busy, so that they are ready for the first
   * block; otherwise they start with it.
   */
  prepare(bytes: number): void {
    if (this.parameters.kind === "none" || bytes <= INLINE_LIMIT) return;
    const wanted = Math.min(this.workers, Math.ceil(bytes / this.parameters.blockSize));
    while (this.started < wanted && this.#start() !== undefined);
  }

  /**
   * Adds a client for one layer.
   *
   * @param options `yields`: its blocks are compressed only when other layers have none. For a layer that is
   * read faster than it is compressed, such as one large file, so that layers that take long to read are not
   * delayed.
   */
  join({ yields = false }: { readonly yields?: boolean } = {}): PoolClient {
    return { queue: [], yields };
  }

  /**
   * Waits for a buffer with room for dictionary, block and the growth of a block. It must be returned with
   * `release`; do not wait for a second one before that.
   */
  async acquire(client: PoolClient, signal?: AbortSignal): Promise<ArrayBuffer> {
    await this.#permits.acquire(signal, client.yields ? this.workers : 0);
    const { dictionary, blockSize } = this.parameters;
    return this.#buffers.pop() ?? new ArrayBuffer(dictionary + blockSize + GROWTH);
  }

  /** Gives a buffer back. */
  release(buffer: ArrayBuffer): void {
    this.#buffers.push(buffer);
    this.#permits.release();
  }

  /** Compresses a block in its own buffer. Blocks of one client start in the order given. */
  compress(client: PoolClient, buffer: ArrayBuffer, job: BlockJob): Promise<CompressedBlock> {
    if (this.#closed) return Promise.reject(new Error("The compression pool is closed"));
    if (job.last && job.end - job.start <= INLINE_LIMIT) {
      const length = compressBlock(new Uint8Array(buffer), job);
      return Promise.resolve({ bytes: new Uint8Array(buffer, 0, length), buffer });
    }
    return new Promise((resolve, reject) => {
      if (client.queue.length === 0) this.#clients.push(client);
      client.queue.push({ buffer, job, resolve, reject });
      this.#dispatch();
    });
  }

  /** Drops the blocks of a client that no worker has taken yet, because its layer has failed. */
  leave(client: PoolClient): void {
    this.#clients = this.#clients.filter((other) => other !== client);
    for (const waiting of client.queue.splice(0)) {
      this.release(waiting.buffer);
      waiting.reject(new Error("The layer was given up"));
    }
  }

  /** Ends the workers; unfinished blocks fail. */
  close(): Promise<void> {
    if (!this.#closed) this.#fail(new Error("The compression pool is closed"));
    return Promise.resolve();
  }

  /** {@inheritdoc CompressionPool.close} */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #dispatch(): void {
    while (this.#clients.length > 0) {
      const place = this.#maybePlace();
      if (place === undefined) return;
      const next = Math.max(0, this.#clients.findIndex(({ yields }) => !yields));
      const [client] = this.#clients.splice(next, 1);
      const waiting = client?.queue.shift();
      if (client === undefined || waiting === undefined) continue;
      if (client.queue.length > 0) this.#clients.push(client);
      place.blocks.push(waiting);
      place.count++;
      const request: WorkerRequest = { buffer: waiting.buffer, job: waiting.job };
      place.worker.postMessage(request, [waiting.buffer]);
    }
  }

  /** The worker for the next block: one that has none, a new one, or one that has too few. */
  #maybePlace(): Place | undefined {
    let best: Place | undefined;
    for (const place of this.#places) {
      if (
        place.blocks.length < (best?.blocks.length ?? BLOCKS_AT_WORKER) && !this.#isSpent(place)
      ) {
        best = place;
      }
    }
    return best?.blocks.length === 0 ? best : this.#start() ?? best;
  }

  #isSpent({ count }: Place): boolean {
    return this.parameters.kind === "zstd" && count >= WORKER_BLOCKS;
  }

  #start(): Place | undefined {
    if (this.#places.size >= this.workers || this.#closed) return undefined;
    const worker = new Worker(this.#workerUrl, { type: "module", name: "mise-oci-compress" });
    const place: Place = { worker, blocks: [], count: 0 };
    worker.onmessage = (event: MessageEvent<WorkerResponse>): void => {
      this.#settle(place, event.data);
    };
    worker.onerror = (event): void => {
      event.preventDefault();
      this.#fail(workerError(event.message));
    };
    worker.onmessageerror = (): void => this.#fail(workerError("message cannot be read"));
    this.#places.add(place);
    return place;
  }

  #settle(place: Place, response: WorkerResponse): void {
    const waiting = place.blocks.shift();
    if (this.#closed || waiting === undefined) return;
    if (place.blocks.length === 0 && this.#isSpent(place)) {
      place.worker.terminate();
      this.#places.delete(place);
    }
    const { buffer, length, error } = response;
    if (error !== undefined) {
      this.release(buffer);
      waiting.reject(workerError(error));
    } else waiting.resolve({ bytes: new Uint8Array(buffer, 0, length), buffer });
    this.#dispatch();
  }

  /** Ends everything with an error: the next block, and each that is waiting, fails with it. */
  #fail(error: unknown): void {
    this.#closed = true;
    const waiting = [
      ...[...this.#places].flatMap(({ blocks }) => blocks),
      ...this.#clients.flatMap(({ queue }) => queue),
    ];
    for (const { worker } of this.#places) worker.terminate();
    this.#places.clear();
    this.#clients = [];
    this.#permits.fail(error);
    for (const { reject } of waiting) reject(error);
  }
}

/**
 * Creates the pool that all layers of a build share. Workers start one by one as blocks wait for them, from
 * the first block of sufficient size on.
 *
 * @throws {MiseOciError} `usage` for a bad level, `unsupported` for zstd if this Deno lacks it.
 */
export function createCompressionPool(options: CompressionPoolOptions): CompressionPool {
  return new CompressionPool(options);
}

function workerError(message: string): MiseOciError {
  if (/requires read access|notcapable|permission/i.test(message)) {
    return new MiseOciError("permission", "Cannot compress: the worker's module may not be read", {
      hint: "Run with --allow-read for the directory of mise-oci's own source",
      cause: new Error(message),
    });
  }
  return new MiseOciError("io", `Cannot compress: a worker failed: ${message}`, {
    hint: "This is a fault of mise-oci or a lack of memory; try again with --jobs 1",
  });
}
