/**
 * A bound on memory that is shared by uploads running at the same time.
 * @module
 */

interface Waiter {
  readonly bytes: number;
  readonly resolve: () => void;
}

/**
 * Hands out bytes of a fixed total, first come first served. A request for more than the total is
 * served when nobody else holds anything, so that it cannot wait for ever.
 */
export class ByteBudget {
  readonly #total: number;
  #used = 0;
  #waiting: Waiter[] = [];

  /** Creates a budget of so many bytes. */
  constructor(total: number) {
    this.#total = total;
  }

  /** Waits for bytes; what it returns gives them back, and must be called once. */
  async take(bytes: number, signal?: AbortSignal): Promise<() => void> {
    signal?.throwIfAborted();
    if (this.#waiting.length > 0 || !this.#fits(bytes)) await this.#wait(bytes, signal);
    else this.#used += bytes;
    return () => {
      this.#used -= bytes;
      this.#serve();
    };
  }

  #fits(bytes: number): boolean {
    return this.#used === 0 || this.#used + bytes <= this.#total;
  }

  #wait(bytes: number, signal?: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiter: Waiter = { bytes, resolve };
    const onAbort = (): void => {
      this.#waiting = this.#waiting.filter((other) => other !== waiter);
      reject(signal?.reason);
      this.#serve();
    };
    signal?.addEventListener("abort", onAbort, { once: true });
    this.#waiting.push(waiter);
    return promise.finally(() => signal?.removeEventListener("abort", onAbort));
  }

  #serve(): void {
    for (let next = this.#waiting[0]; next !== undefined && this.#fits(next.bytes);) {
      this.#used += next.bytes;
      this.#waiting.shift();
      next.resolve();
      next = this.#waiting[0];
    }
  }
}
