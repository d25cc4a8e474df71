/**
 * A counting semaphore, first come first served, that can fail and be aborted.
 * @module
 */

interface Waiter {
  /** How many places are left to others. */
  readonly spare: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** A number of places that are taken and given back. */
export class Slots {
  #free: number;
  #failure: { readonly error: unknown } | undefined;
  readonly #waiters = new Set<Waiter>();

  /** Creates so many free places. */
  constructor(count: number) {
    this.#free = count;
  }

  /**
   * Takes a place, waiting for one; rejects with the signal's reason or the error of `fail`.
   *
   * @param spare so many places are left free for others, who are also served first.
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

  /** Gives a place back. */
  release(): void {
    this.#free++;
    const waiting = [...this.#waiters];
    // Who leaves places to others also lets them go first.
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
