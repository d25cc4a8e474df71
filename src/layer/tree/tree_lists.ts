/**
 * Lists trees in a thread before their layers are scanned, because for cached layers reading thousands of
 * inodes takes most of the time. For several platforms, the trees of the others are listed while the first
 * is processed; for one platform, the thread starts from the end while mise is still queried, until both
 * meet. Trees that were not listed in time are listed by the scan.
 * @module
 */
import { PackedTree, type TreeResponse } from "./walk_messages.ts";
import { onWorkerFailure } from "../worker_failure.ts";

/**
 * Maximum age of a list in ms. An older list would not be wrong, but a tree that changed since then fails
 * the build when it is packed, which becomes more likely with time.
 */
const MAX_AGE_MS = 10_000;

/** Number of trees sent to the thread: one more than it works on, to keep it busy. */
const AHEAD = 2;

/** A tree that was or is being listed. */
interface Listed {
  /** Start time. */
  readonly since: number;
  /** The contents; `undefined` if it could not be listed. */
  readonly tree: Promise<TreeResponse | undefined>;
}

/** Options of {@linkcode TreeLists}; all but the signal are for tests. */
export interface TreeListsOptions {
  /** Cancels listing. */
  readonly signal?: AbortSignal;
  /** Minimum number of trees for a thread. Default: 1. */
  readonly minimum?: number;
  /** Module of the worker. */
  readonly workerUrl?: URL;
  /** Current time in ms. */
  readonly now?: () => number;
}

/** Lists trees one after the other. The thread ends when there is nothing left to list. */
export class TreeLists {
  readonly #trees = new Map<string, Listed>();
  readonly #now: () => number;
  readonly #minimum: number;
  readonly #signal: AbortSignal | undefined;
  readonly #workerUrl: URL;
  /** Roots not yet sent to the worker. */
  #queue: string[] = [];
  /** Pending requests to the worker, in order. */
  #waiting: ((tree: TreeResponse | undefined) => void)[] = [];
  #worker: Worker | undefined;

  /** Starts without a thread. */
  constructor(
    {
      signal,
      minimum = 1,
      workerUrl = new URL("./tree_worker.ts", import.meta.url),
      now = () => performance.now(),
    }: TreeListsOptions = {},
  ) {
    this.#now = now;
    this.#minimum = minimum;
    this.#signal = signal;
    this.#workerUrl = workerUrl;
  }

  /** Starts the thread early, because that takes 25 ms in which the caller would wait. */
  prepare(): void {
    if (this.#signal?.aborted !== true) this.#worker ??= this.#start();
  }

  /** Stops an idle thread, which would keep the process from exiting. */
  settle(): void {
    if (this.#waiting.length === 0) this.#end();
  }

  /**
   * Starts to list trees, discarding earlier lists of them. @param paths absolute; missing ones are
   * skipped.
   */
  begin(paths: readonly string[]): void {
    if (this.#signal?.aborted === true || paths.length < this.#minimum) return;
    const roots = new Set(paths.flatMap((path) => maybeRealPath(path) ?? []));
    for (const root of roots) this.#trees.delete(root);
    this.#queue = [...this.#queue.filter((root) => !roots.has(root)), ...roots];
    this.#request();
  }

  /** Sends as many roots to the worker as it can take. */
  #request(): void {
    while (this.#waiting.length < AHEAD) {
      const root = this.#queue.shift();
      if (root === undefined) break;
      const { promise: tree, resolve } = Promise.withResolvers<TreeResponse | undefined>();
      this.#waiting.push(resolve);
      this.#worker ??= this.#start();
      this.#worker.postMessage(root);
      this.#trees.set(root, { since: this.#now(), tree });
    }
  }

  /**
   * The contents of a tree if it was listed recently, or is in progress; otherwise the caller lists it.
   * Each list is returned once, so that a later scan reads the disk.
   *
   * @param root absolute, links resolved.
   */
  async take(root: string): Promise<PackedTree | undefined> {
    const listed = this.#trees.get(root);
    this.#trees.delete(root);
    if (listed === undefined) this.#queue = this.#queue.filter((one) => one !== root);
    if (listed === undefined || this.#now() - listed.since > MAX_AGE_MS) return undefined;
    const tree = await listed.tree;
    return tree === undefined ? undefined : new PackedTree(tree);
  }

  #start(): Worker {
    const worker = new Worker(this.#workerUrl, { type: "module", name: "mise-oci-trees" });
    worker.onmessage = ({ data }: MessageEvent<TreeResponse>): void => {
      this.#waiting.shift()?.(data);
      this.#request();
      if (this.#waiting.length === 0) this.#end();
    };
    onWorkerFailure(worker, this.#end);
    this.#signal?.addEventListener("abort", this.#end);
    return worker;
  }

  #end = (): void => {
    this.#signal?.removeEventListener("abort", this.#end);
    this.#worker?.terminate();
    this.#worker = undefined;
    this.#queue = [];
    for (const resolve of this.#waiting.splice(0)) resolve(undefined);
  };
}

function maybeRealPath(path: string): string | undefined {
  try {
    return Deno.realPathSync(path);
  } catch {
    // The scan of the layer reports the error.
    return undefined;
  }
}
