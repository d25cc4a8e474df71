/**
 * Reads small files of a layer ahead in separate threads, because opening a file takes longer than all
 * other work on it. The number of batches in flight is limited, to bound memory. A file that was not read
 * ahead is read by the thread that writes the tar.
 * @module
 */
import type { HostStat, LayerEntry } from "../entry.ts";
import { packStats, type ReadRequest, type ReadResponse } from "./read_messages.ts";
import { onWorkerFailure } from "../worker_failure.ts";

/** Size limit of files that are read ahead, in bytes. */
const READ_AHEAD_LIMIT: number = 64 << 10;
/** Number of files from which a thread is worth its 20 MB of memory. */
const MINIMUM = 8000;
/** Number of files that the writer reads while the thread starts. */
const HEAD_START = 1000;
/** Number of files from which a second thread pays off, since one is slower than the writer. */
const MINIMUM_FOR_TWO = 30_000;
/** Size of a batch in bytes. */
const BATCH_BYTES = 1 << 20;
/** Files per batch: a message costs as much as reading several files. */
const BATCH_FILES = 768;
/** Batches per thread that are in progress or ready. */
const BATCHES = 2;

/** Files that are read together. */
interface Batch {
  /** Positions of the entries. */
  readonly at: readonly number[];
  /** Offset of each file in the buffer. */
  readonly starts: readonly number[];
  /** The thread that reads them. */
  readonly thread: Thread;
  /** Resolves when they have been read; `undefined` if a thread has failed. */
  readonly response: Promise<ReadResponse | undefined>;
}

/** A worker, and the pending requests to it. */
interface Thread {
  readonly worker: Worker;
  readonly waiting: ((response: ReadResponse | undefined) => void)[];
}

/** The batch in use. */
interface OpenBatch extends Batch {
  readonly buffer: ArrayBuffer;
  readonly failed: ReadonlySet<number>;
}

/** Whether an entry is a file small enough to read ahead. */
function isSmall({ type, host, content }: LayerEntry): boolean {
  return type === "file" && content === undefined && host !== undefined &&
    host.size <= READ_AHEAD_LIMIT;
}

/** Deno before 2.9 may ignore the flags that prevent the worker from blocking on a FIFO. */
function keepsOpenFlags(): boolean {
  const [major = 0, minor = 0] = Deno.version.deno.split(".").map(Number);
  return major > 2 || (major === 2 && minor >= 9);
}

/** Reads the small files of one layer, in the order of its entries. */
class ReadAhead implements Disposable {
  readonly #entries: readonly LayerEntry[];
  readonly #threads: readonly Thread[];
  readonly #batches: Batch[] = [];
  #open: OpenBatch | undefined;
  /** Position within the current batch. */
  #used = 0;
  /** Position of the next entry to put into a batch. */
  #next: number;
  #broken = false;

  /** Reads the small files of `entries[first, …)`. See {@linkcode maybeReadAhead}. */
  constructor(
    entries: readonly LayerEntry[],
    first: number,
    { workerUrl, threads }: { readonly workerUrl: URL; readonly threads: number },
  ) {
    this.#entries = entries;
    this.#next = first;
    this.#threads = Array.from({ length: threads }, () => this.#start(workerUrl));
    for (let i = 0; i < BATCHES; i++) {
      for (const thread of this.#threads) this.#send(thread, new ArrayBuffer(BATCH_BYTES));
    }
  }

  #start(workerUrl: URL): Thread {
    const worker = new Worker(workerUrl, { type: "module", name: "mise-oci-read" });
    const waiting: Thread["waiting"] = [];
    worker.onmessage = ({ data }: MessageEvent<ReadResponse>): void => waiting.shift()?.(data);
    onWorkerFailure(worker, () => this.#fail());
    return { worker, waiting };
  }

  /** Whether {@linkcode advance} must be awaited before `content(at)`. */
  isBehind(at: number): boolean {
    const next = this.#batches[0]?.at[0];
    return next !== undefined && next <= at;
  }

  /** Switches to the next batch; contents of the previous one become invalid. */
  async advance(): Promise<void> {
    if (this.#open !== undefined) this.#send(this.#open.thread, this.#open.buffer);
    this.#open = undefined;
    this.#used = 0;
    const batch = this.#batches.shift();
    const response = await batch?.response;
    if (batch === undefined || response === undefined) return;
    const { buffer, failed } = response;
    this.#open = { ...batch, buffer, failed: new Set(failed) };
  }

  /**
   * The content of an entry, if it was read ahead and the file matched the scan. Must be called in the
   * order of entries.
   */
  content(at: number): Uint8Array | undefined {
    const batch = this.#open;
    if (batch === undefined) return undefined;
    while ((batch.at[this.#used] ?? Infinity) < at) this.#used++;
    if (batch.at[this.#used] !== at || batch.failed.has(this.#used)) return undefined;
    const size = this.#entries[at]?.host?.size ?? 0;
    return new Uint8Array(batch.buffer, batch.starts[this.#used], size);
  }

  /** Stops the threads. */
  [Symbol.dispose](): void {
    this.#fail();
  }

  #fail(): void {
    this.#broken = true;
    for (const { worker, waiting } of this.#threads) {
      worker.terminate();
      for (const resolve of waiting.splice(0)) resolve(undefined);
    }
  }

  /** Lets a thread read the next batch into a buffer. */
  #send(thread: Thread, buffer: ArrayBuffer): void {
    const at: number[] = [];
    const starts: number[] = [];
    const hosts: HostStat[] = [];
    let bytes = 0;
    for (; this.#next < this.#entries.length && at.length < BATCH_FILES; this.#next++) {
      const entry = this.#entries[this.#next];
      if (entry?.host === undefined || !isSmall(entry)) continue;
      const { size } = entry.host;
      if (bytes + size > BATCH_BYTES) break;
      at.push(this.#next);
      starts.push(bytes);
      hosts.push(entry.host);
      bytes += size;
    }
    if (at.length === 0 || this.#broken) return;
    const { promise: response, resolve } = Promise.withResolvers<ReadResponse | undefined>();
    thread.waiting.push(resolve);
    this.#batches.push({ at, starts, thread, response });
    const paths = hosts.map(({ path }) => path).join("\0");
    const request: ReadRequest = { paths, stats: packStats(hosts), buffer };
    thread.worker.postMessage(request, [buffer]);
  }
}

/** Options of {@linkcode maybeReadAhead}, for tests. */
export interface ReadAheadOptions {
  /** Module of the worker. */
  readonly workerUrl?: URL;
  /** Minimum number of small files for a thread. */
  readonly minimum?: number;
  /** Minimum number for a second thread. */
  readonly minimumForTwo?: number;
}

/** Starts to read the small files of a layer ahead; `undefined` if there are too few. */
export function maybeReadAhead(
  entries: readonly LayerEntry[],
  options: ReadAheadOptions = {},
): ReadAhead | undefined {
  if (!keepsOpenFlags()) return undefined;
  const {
    workerUrl = new URL("./read_worker.ts", import.meta.url),
    minimum = MINIMUM,
    minimumForTwo = MINIMUM_FOR_TWO,
  } = options;
  let count = 0;
  let first = 0;
  for (const [at, entry] of entries.entries()) {
    if (isSmall(entry) && ++count === HEAD_START) first = at;
  }
  if (count < minimum) return undefined;
  const threads = count < minimumForTwo || navigator.hardwareConcurrency < 2 ? 1 : 2;
  return new ReadAhead(entries, first, { workerUrl, threads });
}
