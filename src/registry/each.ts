/**
 * Doing something with every item of a list, a few at a time.
 * @module
 */

/** How {@linkcode forEachBounded} works. */
export interface ForEachOptions {
  /** How many run at the same time. */
  readonly jobs: number;
  /** Stops everything. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Runs `work` on every item, at most `jobs` at a time, in order of the list. When one fails, no other is
 * begun and the signal that the running ones got is aborted; the first error is thrown when all have
 * ended, so that nothing goes on behind the caller's back.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { forEachBounded } from "./each.ts";
 *
 * const seen: number[] = [];
 * await forEachBounded([1, 2, 3], async (item) => void seen.push(await item), { jobs: 2 });
 * assertEquals(seen.sort(), [1, 2, 3]);
 * ```
 */
export async function forEachBounded<T>(
  items: readonly T[],
  work: (item: T, signal: AbortSignal) => Promise<void>,
  options: ForEachOptions,
): Promise<void> {
  const failed = new AbortController();
  const signal = options.signal === undefined
    ? failed.signal
    : AbortSignal.any([options.signal, failed.signal]);
  const errors: unknown[] = [];
  const queue = items.values();
  const worker = async (): Promise<void> => {
    for (const item of queue) {
      if (signal.aborted) return;
      try {
        await work(item, signal);
      } catch (error) {
        errors.push(error);
        failed.abort(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(options.jobs, items.length) }, worker));
  if (errors.length > 0) throw errors[0];
  options.signal?.throwIfAborted();
}
