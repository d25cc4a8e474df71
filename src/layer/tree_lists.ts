/**
 * Lists trees before their layers are scanned: all that takes long about a layer that was built before is
 * to ask for thousands of inodes. Those of one platform are listed here while mise is asked about another,
 * those of the other in a thread of its own while the layers of the first are looked at. Nothing depends
 * on it: a tree that was not listed is walked by whoever scans the layer.
 * @module
 */
import { type ListRequest, type ListResponse, maybeUnpackFound } from "./list_messages.ts";
import { parentPath } from "./entry.ts";
import { type Found, walkWhole } from "./walk.ts";

/**
 * A list that is older, in ms, is not used. It is of this build, so it is never wrong; but a tree that changed
 * since it was listed fails the build when it is packed, and the longer ago, the likelier that is.
 */
const MAX_AGE_MS = 10_000;

/** A tree that was listed, or is being listed. */
interface Listed {
  /** When it was begun. */
  readonly since: number;
  /** Gives what there is, parents before children; `undefined` if it could not be listed. */
  readonly entries: () => Promise<readonly Found[] | undefined>;
}

/** How trees are listed; only tests give something else. */
export interface TreeListsOptions {
  /** Stops it. */
  readonly signal?: AbortSignal;
  /** Lists in this thread, whenever it has nothing else to do; default: in another. */
  readonly here?: boolean;
  /** Module of the worker. */
  readonly workerUrl?: URL;
  /** The time in ms. */
  readonly now?: () => number;
}

/** Trees that are being listed. The thread ends by itself when it has nothing more to do. */
export class TreeLists {
  readonly #trees = new Map<string, Listed>();
  readonly #now: () => number;
  readonly #lister: (root: string) => Listed["entries"];
  readonly #signal: AbortSignal | undefined;

  /** Nothing is listed yet. */
  constructor(options: TreeListsOptions = {}) {
    const { here = false, signal } = options;
    this.#now = options.now ?? (() => performance.now());
    this.#signal = signal;
    this.#lister = here ? listHere(signal) : listInThread(options);
  }

  /** Begins to list trees; a list of before is forgotten. @param paths absolute; what is not there is passed over. */
  begin(paths: readonly string[]): void {
    for (const path of paths) {
      const root = maybeRealPath(path);
      if (root === undefined || this.#signal?.aborted) continue;
      this.#trees.set(root, { since: this.#now(), entries: this.#lister(root) });
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
    return await listed.entries();
  }
}

/** Lists one tree after the other in this thread. */
function listHere(signal: AbortSignal | undefined): (root: string) => Listed["entries"] {
  let last: Promise<unknown> = Promise.resolve();
  return (root) => {
    const list = async (): Promise<readonly Found[] | undefined> => {
      signal?.throwIfAborted();
      const entries: Found[] = [];
      // Whatever is wrong is met again by whoever scans the layer, and said there.
      const found = (entry: Found): void => void entries.push(entry);
      return await walkWhole(root, { found, signal }) ? entries : undefined;
    };
    const entries = last.then(list).catch(() => undefined);
    last = entries;
    return () => entries;
  };
}

/** Lists trees in a thread. */
function listInThread(
  { signal, workerUrl = new URL("./list_worker.ts", import.meta.url) }: TreeListsOptions,
): (root: string) => Listed["entries"] {
  /** What the worker owes, by the numbers of the requests. */
  const owed = new Map<number, (response: ListResponse | undefined) => void>();
  let count = 0;
  let worker: Worker | undefined;
  const end = (): void => {
    signal?.removeEventListener("abort", end);
    worker?.terminate();
    worker = undefined;
    for (const resolve of owed.values()) resolve(undefined);
    owed.clear();
  };
  const start = (): Worker => {
    const started = new Worker(workerUrl, { type: "module", name: "mise-oci-list" });
    started.onmessage = ({ data }: MessageEvent<ListResponse>): void => {
      owed.get(data.id)?.(data);
      owed.delete(data.id);
      if (owed.size === 0) end();
    };
    started.onerror = (event): void => {
      event.preventDefault();
      end();
    };
    started.onmessageerror = end;
    signal?.addEventListener("abort", end);
    return started;
  };
  return (root) => {
    const { promise, resolve } = Promise.withResolvers<ListResponse | undefined>();
    const request: ListRequest = { root, id: count++ };
    owed.set(request.id, resolve);
    (worker ??= start()).postMessage(request);
    return async () => {
      const response = await promise;
      return response === undefined ? undefined : maybeUnpackFound(root, response);
    };
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
