/**
 * Doing several things at once, but not too many.
 * @module
 */

/** How {@linkcode mapConcurrently} works. */
export interface ConcurrencyOptions {
  /** How many run at the same time. */
  readonly limit: number;
  /** Stops everything. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Runs `action` for every item, at most `limit` at a time, in the order of the items; the results come
 * in that order too. After the first failure nothing new begins and the signal of the running ones is
 * aborted; the failure is thrown when all of them have ended, so that nothing runs on behind the caller.
 *
 * @throws the first failure; the reason of `signal` if that is aborted.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { mapConcurrently } from "./concurrency.ts";
 *
 * const twice = await mapConcurrently([1, 2, 3], { limit: 2 }, (item) => Promise.resolve(item * 2));
 * assertEquals(twice, [2, 4, 6]);
 * ```
 */
export async function mapConcurrently<T, R>(
  items: readonly T[],
  options: ConcurrencyOptions,
  action: (item: T, signal: AbortSignal) => Promise<R>,
): Promise<R[]> {
  const group = new AbortController();
  const signal = options.signal === undefined
    ? group.signal
    : AbortSignal.any([options.signal, group.signal]);
  const results = new Array<R>(items.length);
  const failures: unknown[] = [];
  const queue = items.entries();
  const worker = async (): Promise<void> => {
    for (const [index, item] of queue) {
      if (signal.aborted) return;
      try {
        results[index] = await action(item, signal);
      } catch (error) {
        failures.push(error);
        group.abort(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(options.limit, items.length) }, worker));
  if (failures.length > 0) throw failures[0];
  options.signal?.throwIfAborted();
  return results;
}

/** {@linkcode mapConcurrently} of jobs that differ from each other. */
export function runConcurrently<R>(
  jobs: readonly ((signal: AbortSignal) => Promise<R>)[],
  options: ConcurrencyOptions,
): Promise<R[]> {
  return mapConcurrently(jobs, options, (job, signal) => job(signal));
}

interface Waiter {
  /** How many permits are left to others. */
  readonly spare: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** A counting semaphore, first come first served, that can fail and be aborted. */
export class Semaphore {
  #free: number;
  #failure: { readonly error: unknown } | undefined;
  readonly #waiters = new Set<Waiter>();

  /** Creates a semaphore with so many permits. */
  constructor(permits: number) {
    this.#free = permits;
  }

  /**
   * Takes a permit, waiting for one; rejects with the signal's reason or the error of `fail`.
   *
   * @param spare so many permits are left free for other callers, which are also served first.
   */
  acquire(signal?: AbortSignal, spare: number = 0): Promise<void> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (this.#failure !== undefined) return Promise.reject(this.#failure.error);
    if (this.#free > spare) {
      this.#free--;
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const onAbort = (): void => waiter.reject(signal?.reason);
      const settle = (then: () => void): void => {
        this.#waiters.delete(waiter);
        signal?.removeEventListener("abort", onAbort);
        then();
      };
      const waiter: Waiter = {
        spare,
        resolve: () => settle(resolve),
        reject: (error) => settle(() => reject(error)),
      };
      this.#waiters.add(waiter);
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  }

  /** Gives a permit back. */
  release(): void {
    this.#free++;
    const waiting = [...this.#waiters];
    // A caller that leaves permits to others also lets them go first.
    const next = waiting.find(({ spare }) => spare === 0) ?? waiting[0];
    if (next === undefined || this.#free <= next.spare) return;
    this.#free--;
    next.resolve();
  }

  /** Makes every waiting and later `acquire` reject. */
  fail(error: unknown): void {
    this.#failure ??= { error };
    for (const waiter of [...this.#waiters]) waiter.reject(error);
  }
}
