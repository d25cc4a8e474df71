/**
 * Reads the small files of a layer ahead, in threads of its own: opening a file takes longer than
 * everything else that is done for it. A few batches are under way at once, so memory stays flat.
 * Nothing depends on it: a file that it has not read is read by whoever writes the tar.
 * @module
 */
import type { HostStat, LayerEntry } from "../entry.ts";
import { packStats, type ReadRequest, type ReadResponse } from "./read_messages.ts";
import { onWorkerFailure } from "../worker_failure.ts";

/** Files up to this size are read ahead, in bytes. */
const READ_AHEAD_LIMIT: number = 64 << 10;
/** A thread takes 20 MB of memory: it is worth it from so many files on. */
const MINIMUM = 8000;
/** The first files are read by the writer: the thread takes so long to start. */
const HEAD_START = 1000;
/** One thread does not keep up with what writes and compresses; a second is worth it from here on. */
const MINIMUM_FOR_TWO = 30_000;
/** Bytes of a batch. */
const BATCH_BYTES = 1 << 20;
/** Files of a batch: a message costs as much as reading several files. */
const BATCH_FILES = 768;
/** Batches of a thread that are under way or waiting to be used. */
const BATCHES = 2;

/** Files that are read together. */
interface Batch {
  /** Positions of the entries. */
  readonly at: readonly number[];
  /** Where each begins in the buffer. */
  readonly starts: readonly number[];
  /** Who reads them. */
  readonly thread: Thread;
  /** Resolves when they have been read; `undefined` if a thread has failed. */
  readonly response: Promise<ReadResponse | undefined>;
}

/** A worker, and who waits for its answers. */
interface Thread {
  readonly worker: Worker;
  readonly waiting: ((response: ReadResponse | undefined) => void)[];
}

/** A batch whose files are being used. */
interface OpenBatch extends Batch {
  readonly buffer: ArrayBuffer;
  readonly failed: ReadonlySet<number>;
}

/** Whether an entry is a file that is worth reading ahead. */
function isSmall({ type, host, content }: LayerEntry): boolean {
  return type === "file" && content === undefined && host !== undefined &&
    host.size <= READ_AHEAD_LIMIT;
}

/** Deno before 2.9 may drop the flags that keep the worker from waiting at a FIFO. */
function keepsOpenFlags(): boolean {
  const [major = 0, minor = 0] = Deno.version.deno.split(".").map(Number);
  return major > 2 || (major === 2 && minor >= 9);
}

/** The files of one layer, read in the order of its entries. */
class ReadAhead implements Disposable {
  readonly #entries: readonly LayerEntry[];
  readonly #threads: readonly Thread[];
  readonly #batches: Batch[] = [];
  #open: OpenBatch | undefined;
  /** Position in the open batch. */
  #used = 0;
  /** The next entry that is in no batch yet. */
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

  /** Whether {@linkcode advance} must be awaited before `content(at)` can know anything. */
  isBehind(at: number): boolean {
    const next = this.#batches[0]?.at[0];
    return next !== undefined && next <= at;
  }

  /** Goes on to the next batch; what was given of the last one is no longer valid. */
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
   * The content of an entry, if it has been read, and the file was then still what the scan saw. Entries
   * must be asked for in their order.
   */
  content(at: number): Uint8Array | undefined {
    const batch = this.#open;
    if (batch === undefined) return undefined;
    while ((batch.at[this.#used] ?? Infinity) < at) this.#used++;
    if (batch.at[this.#used] !== at || batch.failed.has(this.#used)) return undefined;
    const size = this.#entries[at]?.host?.size ?? 0;
    return new Uint8Array(batch.buffer, batch.starts[this.#used], size);
  }

  /** Ends the threads. */
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

  /** Has a thread read the next batch into a buffer. */
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

/** How {@linkcode maybeReadAhead} reads; only tests give something else. */
export interface ReadAheadOptions {
  /** Module of the worker. */
  readonly workerUrl?: URL;
  /** How many small files are worth a thread. */
  readonly minimum?: number;
  /** How many are worth a second one. */
  readonly minimumForTwo?: number;
}

/** Begins to read the small files of a layer ahead; `undefined` if it has too few for that. */
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
