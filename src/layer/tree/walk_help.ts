/**
 * A thread that helps to walk a large tree, since calling `lstat` for every file takes most of the time.
 * Directories that it has not listed are listed by the main thread.
 * @module
 */
import {
  type Listed,
  listedDirectories,
  type ListRequest,
  type ListResponse,
} from "./walk_messages.ts";
import { onWorkerFailure } from "../worker_failure.ts";

/** Number of entries from which a thread is worth its 20 ms and 20 MB. */
export const WALK_HELP_MINIMUM = 8000;
/** Directories per message. */
const BATCH = 16;
/** Messages in flight: one more than is worked on, to keep the thread busy. */
const BATCHES = 2;

const NOTHING: ListResponse = { names: [], numbers: new Float64Array(0) };

/** One thread that helps one walk. */
export class WalkHelp implements Disposable {
  readonly #worker: Worker;
  readonly #hostPath: (path: string) => string;
  readonly #asked: (readonly string[])[] = [];
  readonly #listed: Listed[] = [];
  #wake: () => void = () => {};
  #broken = false;

  /** Starts the thread. */
  constructor(hostPath: (path: string) => string, workerUrl?: URL) {
    this.#hostPath = hostPath;
    const url = workerUrl ?? new URL("./walk_worker.ts", import.meta.url);
    this.#worker = new Worker(url, { type: "module", name: "mise-oci-walk" });
    this.#worker.onmessage = ({ data }: MessageEvent<ListResponse>): void => this.#take(data);
    onWorkerFailure(this.#worker, () => this.#fail());
  }

  /** Whether there are directories that {@linkcode taken} has not returned yet. */
  get busy(): boolean {
    return this.#asked.length > 0 || this.#listed.length > 0;
  }

  /** Sends the first of the pending directories to the thread, and removes them from the list. */
  offer(pending: string[]): void {
    while (!this.#broken && this.#asked.length < BATCHES && pending.length > 1) {
      const paths = pending.splice(0, Math.min(BATCH, pending.length >> 1));
      const request: ListRequest = paths.map(this.#hostPath);
      this.#asked.push(paths);
      this.#worker.postMessage(request);
    }
  }

  /** The directories listed since the last call. */
  taken(): Listed[] {
    return this.#listed.splice(0);
  }

  /** Resolves when a result is available. */
  async wait(): Promise<void> {
    if (this.#listed.length > 0 || this.#asked.length === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    await promise;
  }

  /** Stops the thread. */
  [Symbol.dispose](): void {
    this.#worker.terminate();
  }

  #take(response: ListResponse): void {
    this.#listed.push(...listedDirectories(this.#asked.shift() ?? [], response));
    this.#wake();
  }

  #fail(): void {
    this.#broken = true;
    this.#worker.terminate();
    while (this.#asked.length > 0) this.#take(NOTHING);
  }
}
