/**
 * Builds layers while others are still being scanned: compression uses all cores, scanning uses one.
 * @module
 */

/**
 * Number of layers that are read concurrently: one is read while the other waits for a block to be
 * compressed. With more, small layers would finish first, and in the end the cores would wait while a
 * single layer of many small files is read.
 */
const LAYERS_AT_ONCE = 2;

/**
 * Builds a layer; calls the given function when the next one may start, at the latest when it ends.
 *
 * @param fills whether other layers have priority.
 */
export type Build = (onRead: () => void, fills: boolean) => Promise<void>;

/** A waiting layer. */
interface Waiting {
  /** Size of its tar. */
  readonly bytes: number;
  /** Builds it. */
  readonly build: Build;
  /** Whether it is read fast enough to use idle workers. */
  readonly fills: boolean;
}

/** Builds several layers concurrently, starting with the largest. */
export class BuildQueue {
  /** Stops running builds: after a failure, or when the given signal is aborted. */
  readonly signal: AbortSignal;
  readonly #waiting: Waiting[] = [];
  readonly #stop = new AbortController();
  readonly #limit: number;
  readonly #running = new Set<Promise<void>>();
  /** Number of layers being read. */
  #reading = 0;
  /** Whether a gap-filling layer is running; it is not counted above. */
  #filling = false;
  #failure: { readonly error: unknown } | undefined;

  /** Starts empty. */
  constructor(signal: AbortSignal, limit: number = LAYERS_AT_ONCE) {
    this.signal = AbortSignal.any([signal, this.#stop.signal]);
    this.#limit = limit;
  }

  /**
   * Builds a layer, immediately or when workers become free; never after a failure.
   *
   * @param options `fills`: it is read fast enough to use idle workers, like a large file. One such layer
   * is built in addition to the others.
   */
  add(bytes: number, build: Build, { fills = false }: { readonly fills?: boolean } = {}): void {
    this.#waiting.push({ bytes, build, fills });
    this.#next();
  }

  /**
   * Resolves when all layers that are added before `look` ends have been built.
   *
   * @throws the error of `look`, or the first failure, once nothing is running.
   */
  async all(look: () => Promise<void>): Promise<void> {
    await look().catch((error: unknown) => this.#fail(error));
    while (this.#running.size > 0) await Promise.all(this.#running);
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  #fail(error: unknown): void {
    if (this.#failure !== undefined) return;
    this.#failure = { error };
    this.#waiting.length = 0;
    this.#stop.abort();
  }

  #next(): void {
    if (this.#failure !== undefined) return;
    this.#waiting.sort((a, b) => a.bytes - b.bytes);
    const filling = this.#filling ? -1 : this.#waiting.findLastIndex(({ fills }) => fills);
    const [filler] = filling < 0 ? [] : this.#waiting.splice(filling, 1);
    if (filler !== undefined) {
      this.#filling = true;
      this.#run(filler.build, true, () => this.#filling = false);
    }
    while (this.#reading < this.#limit) {
      const next = this.#waiting.pop();
      if (next === undefined) return;
      this.#reading++;
      this.#run(next.build, false, () => this.#reading--);
    }
  }

  /** @param leave makes room for another layer. */
  #run(build: Build, fills: boolean, leave: () => void): void {
    let isReading = true;
    const onRead = (): void => {
      if (!isReading) return;
      isReading = false;
      leave();
      this.#next();
    };
    const running = build(onRead, fills).catch((error: unknown) => this.#fail(error)).finally(
      () => {
        this.#running.delete(running);
        onRead();
      },
    );
    this.#running.add(running);
  }
}
