/**
 * Lists trees in a thread before their layers are scanned: all that takes long about a layer that was built
 * before is to ask for thousands of inodes. Of several platforms those of the first are looked at meanwhile;
 * of one, the thread begins at the end while mise is still asked for the rest, and both go on until they meet.
 * Nothing depends on it: what was not listed is listed by the caller that scans the layer.
 * @module
 */
import { PackedTree, type TreeResponse } from "./walk_messages.ts";
import { onWorkerFailure } from "../worker_failure.ts";

/**
 * A list that is older, in ms, is not used. It is of this build, so it is never wrong; but a tree that changed
 * since it was listed fails the build when it is packed, and the longer ago, the likelier that is.
 */
const MAX_AGE_MS = 10_000;

/** Trees that the thread knows of: one more than it works on, so that it does not wait. */
const AHEAD = 2;

/** A tree that was listed, or is being listed. */
interface Listed {
  /** When it was begun. */
  readonly since: number;
  /** What there is; `undefined` if it could not be listed. */
  readonly tree: Promise<TreeResponse | undefined>;
}

/** How trees are listed; only tests give something else than a signal. */
export interface TreeListsOptions {
  /** Stops it. */
  readonly signal?: AbortSignal;
  /** Fewer trees are not worth a thread. Default: 1. */
  readonly minimum?: number;
  /** Module of the worker. */
  readonly workerUrl?: URL;
  /** The time in ms. */
  readonly now?: () => number;
}

/** Trees that are being listed, one after the other. The thread ends when there is nothing more to list. */
export class TreeLists {
  readonly #trees = new Map<string, Listed>();
  readonly #now: () => number;
  readonly #minimum: number;
  readonly #signal: AbortSignal | undefined;
  readonly #workerUrl: URL;
  /** Roots that the worker does not know of yet. */
  #queue: string[] = [];
  /** Who waits for the worker, in the order of the requests. */
  #waiting: ((tree: TreeResponse | undefined) => void)[] = [];
  #worker: Worker | undefined;

  /** Nothing is listed yet. */
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

  /** Starts the thread before there is anything to list: that takes 25 ms in which the caller had only waited. */
  prepare(): void {
    if (this.#signal?.aborted !== true) this.#worker ??= this.#start();
  }

  /** Ends the thread if nothing is to be listed: a thread that waits keeps a program from ending. */
  settle(): void {
    if (this.#waiting.length === 0) this.#end();
  }

  /** Begins to list trees; a list of before is forgotten. @param paths absolute; what is not there is passed over. */
  begin(paths: readonly string[]): void {
    if (this.#signal?.aborted === true || paths.length < this.#minimum) return;
    const roots = new Set(paths.flatMap((path) => maybeRealPath(path) ?? []));
    for (const root of roots) this.#trees.delete(root);
    this.#queue = [...this.#queue.filter((root) => !roots.has(root)), ...roots];
    this.#request();
  }

  /** Gives the worker what it can take. */
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
   * What is in a tree, if it was listed just now, or is about to be; the caller lists what is not begun. Each list
   * is given once: who looks again looks at the disk.
   *
   * @param root absolute, links followed.
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
    // Whoever scans the layer meets the same and says so.
    return undefined;
  }
}
