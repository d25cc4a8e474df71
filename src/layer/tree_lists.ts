/**
 * Lists trees before their layers are scanned, whenever the program would only wait: of several platforms
 * this machine's trees are listed while mise is asked about the others. All that takes long about a layer
 * that was built before is to ask for thousands of inodes. Nothing depends on it: a tree that was not
 * listed is walked by whoever scans the layer.
 * @module
 */
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
  /** What there is, parents before children; `undefined` if it could not be listed. */
  readonly entries: Promise<readonly Found[] | undefined>;
}

/** How trees are listed; only tests give a time. */
export interface TreeListsOptions {
  /** Stops it. */
  readonly signal?: AbortSignal;
  /** The time in ms. */
  readonly now?: () => number;
}

/** Trees that are being listed, one after the other. */
export class TreeLists {
  readonly #trees = new Map<string, Listed>();
  readonly #now: () => number;
  readonly #signal: AbortSignal | undefined;
  #last: Promise<unknown> = Promise.resolve();

  /** Nothing is listed yet. */
  constructor({ signal, now = () => performance.now() }: TreeListsOptions = {}) {
    this.#now = now;
    this.#signal = signal;
  }

  /** Begins to list trees; a list of before is forgotten. @param paths absolute; what is not there is passed over. */
  begin(paths: readonly string[]): void {
    for (const path of paths) {
      const root = maybeRealPath(path);
      if (root === undefined) continue;
      // Whatever is wrong is met again by whoever scans the layer, and said there.
      const entries = this.#last.then(() => this.#list(root)).catch(() => undefined);
      this.#last = entries;
      this.#trees.set(root, { since: this.#now(), entries });
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
    return await listed.entries;
  }

  async #list(root: string): Promise<readonly Found[] | undefined> {
    const signal = this.#signal;
    signal?.throwIfAborted();
    const entries: Found[] = [];
    const found = (entry: Found): void => void entries.push(entry);
    return await walkWhole(root, { found, signal }) ? entries : undefined;
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
