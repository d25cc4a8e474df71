/**
 * A thread that helps to walk a large tree: asking `lstat` of every file is most of a walk. Nothing depends
 * on it: a directory that it has not listed is listed by whoever walks.
 * @module
 */
import {
  type Listed,
  listedDirectories,
  type ListRequest,
  type ListResponse,
} from "./walk_messages.ts";
import { onWorkerFailure } from "../worker_failure.ts";

/** A thread takes 20 ms and 20 MB: it is worth it once a walk has found so many entries. */
export const WALK_HELP_MINIMUM = 8000;
/** Directories of a message. */
const BATCH = 16;
/** Messages that are under way: one more than is worked on, so that the thread does not wait. */
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

  /** Starts it. */
  constructor(hostPath: (path: string) => string, workerUrl?: URL) {
    this.#hostPath = hostPath;
    const url = workerUrl ?? new URL("./walk_worker.ts", import.meta.url);
    this.#worker = new Worker(url, { type: "module", name: "mise-oci-walk" });
    this.#worker.onmessage = ({ data }: MessageEvent<ListResponse>): void => this.#take(data);
    onWorkerFailure(this.#worker, () => this.#fail());
  }

  /** Whether directories were given that {@linkcode taken} has not given back: not only at work. */
  get busy(): boolean {
    return this.#asked.length > 0 || this.#listed.length > 0;
  }

  /** Gives it some of the directories that are still to be listed, the first of them, and takes them out. */
  offer(pending: string[]): void {
    while (!this.#broken && this.#asked.length < BATCHES && pending.length > 1) {
      const paths = pending.splice(0, Math.min(BATCH, pending.length >> 1));
      const request: ListRequest = paths.map(this.#hostPath);
      this.#asked.push(paths);
      this.#worker.postMessage(request);
    }
  }

  /** The directories that have come back. */
  taken(): Listed[] {
    return this.#listed.splice(0);
  }

  /** Resolves when something has come back. */
  async wait(): Promise<void> {
    if (this.#listed.length > 0 || this.#asked.length === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    await promise;
  }

  /** Ends the thread. */
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
