/**
 * Lists trees in a thread of its own, while the layers of another platform are looked at: all that takes
 * long about a layer that was built before is to ask for thousands of inodes. Nothing depends on it: a
 * tree that was not listed is walked by whoever scans the layer.
 * @module
 */
import { type ListRequest, type ListResponse, maybeUnpackFound } from "./list_messages.ts";
import { parentPath } from "./entry.ts";
import type { Found } from "./walk.ts";

/**
 * A list that is older, in ms, is not used. It is of this build, so it is never wrong; but a tree that changed
 * since it was listed fails the build when it is packed, and the longer ago, the likelier that is.
 */
const MAX_AGE_MS = 10_000;

/** A tree that was listed, or is being listed. */
interface Listed {
  /** When it was begun. */
  readonly since: number;
  /** What there is, parents before children; `undefined` if it could not be listed. */
  readonly entries: Promise<ListResponse | undefined>;
  readonly resolve: (response: ListResponse | undefined) => void;
}

/** How trees are listed; only tests give something else. */
export interface TreeListsOptions {
  /** Stops it. */
  readonly signal?: AbortSignal;
  /** Module of the worker. */
  readonly workerUrl?: URL;
  /** The time in ms. */
  readonly now?: () => number;
}

/** Trees that are being listed. The thread ends by itself when it has nothing more to do. */
export class TreeLists {
  readonly #trees = new Map<string, Listed>();
  readonly #workerUrl: URL;
  readonly #now: () => number;
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort = (): void => this.#end();
  #worker: Worker | undefined;
  /** Lists that the worker owes, by the numbers of the requests. */
  readonly #owed = new Map<number, Listed>();
  #count = 0;

  /** Nothing is listed yet. */
  constructor(options: TreeListsOptions = {}) {
    this.#workerUrl = options.workerUrl ?? new URL("./list_worker.ts", import.meta.url);
    this.#now = options.now ?? (() => performance.now());
    this.#signal = options.signal;
  }

  /** Begins to list trees; a list of before is forgotten. @param paths absolute; what is not there is passed over. */
  begin(paths: readonly string[]): void {
    if (this.#signal?.aborted) return;
    for (const path of paths) {
      const root = maybeRealPath(path);
      if (root === undefined) continue;
      const { promise: entries, resolve } = Promise.withResolvers<ListResponse | undefined>();
      const listed = { since: this.#now(), entries, resolve };
      this.#trees.set(root, listed);
      const request: ListRequest = { root, id: this.#count++ };
      this.#owed.set(request.id, listed);
      (this.#worker ??= this.#start()).postMessage(request);
    }
  }

  /**
   * What is in a tree, parents before children, if it was listed just now. Each list is given once: who
   * looks again looks at the disk.
   *
   * @param root absolute, links followed.
   */
  async take(root: string): Promise<readonly Found[] | undefined> {
    const listed = this.#trees.get(root);
    this.#trees.delete(root);
    if (listed === undefined || this.#now() - listed.since > MAX_AGE_MS) return undefined;
    const response = await listed.entries;
    return response === undefined ? undefined : maybeUnpackFound(root, response);
  }

  #start(): Worker {
    const worker = new Worker(this.#workerUrl, { type: "module", name: "mise-oci-list" });
    worker.onmessage = ({ data }: MessageEvent<ListResponse>): void => {
      this.#owed.get(data.id)?.resolve(data);
      this.#owed.delete(data.id);
      if (this.#owed.size === 0) this.#end();
    };
    worker.onerror = (event): void => {
      event.preventDefault();
      this.#end();
    };
    worker.onmessageerror = (): void => this.#end();
    this.#signal?.addEventListener("abort", this.#onAbort);
    return worker;
  }

  #end(): void {
    this.#signal?.removeEventListener("abort", this.#onAbort);
    this.#worker?.terminate();
    this.#worker = undefined;
    for (const { resolve } of this.#owed.values()) resolve(undefined);
    this.#owed.clear();
  }
}

function maybeRealPath(path: string): string | undefined {
  try {
    return Deno.realPathSync(path);
  } catch {
    // Whoever scans the layer meets the same and says so.
    return undefined;
  }
}

/** The entries of a list but those that are left out, with everything below them. */
export function* withoutExcluded(
  entries: readonly Found[],
  excluded: (path: string) => boolean,
): Generator<Found> {
  // A directory comes before what is in it, but its entries need not follow it at once.
  const left = new Set<string>();
  for (const entry of entries) {
    const { path } = entry;
    if (path !== "" && (left.has(parentPath(path)) || excluded(path))) left.add(path);
    else yield entry;
  }
}
