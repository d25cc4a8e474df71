/**
 * Builds layers while others are still being looked at: compressing takes all cores, looking takes one.
 * @module
 */

/**
 * Layers that are read at once. One is read while another waits for a block to be compressed. More would
 * have the small ones done first, and at the end a single layer of many small files, whose reading then
 * keeps the cores waiting.
 */
const LAYERS_AT_ONCE = 2;

/**
 * Builds a layer; calls what it is given when the next one may begin, its end at the latest.
 *
 * @param fills whether other layers go first.
 */
export type Build = (onRead: () => void, fills: boolean) => Promise<void>;

/** A layer that waits. */
interface Waiting {
  /** Bytes of its tar. */
  readonly bytes: number;
  /** Builds it. */
  readonly build: Build;
  /** Whether it is read so fast that it can fill the gaps which others leave. */
  readonly fills: boolean;
}

/** Builds some layers at once, of those that wait the largest first. */
export class BuildQueue {
  /** Stops what is built: after a failure, or when the signal that was given is aborted. */
  readonly signal: AbortSignal;
  readonly #waiting: Waiting[] = [];
  readonly #stop = new AbortController();
  readonly #limit: number;
  readonly #running = new Set<Promise<void>>();
  /** How many of them are being read. */
  #reading = 0;
  /** Whether one of them fills gaps; that one does not count. */
  #filling = false;
  #failure: { readonly error: unknown } | undefined;

  /** Builds nothing yet. */
  constructor(signal: AbortSignal, limit: number = LAYERS_AT_ONCE) {
    this.signal = AbortSignal.any([signal, this.#stop.signal]);
    this.#limit = limit;
  }

  /**
   * Builds a layer now, or when its turn comes; not at all after a failure.
   *
   * @param options `fills`: it is read so fast that it can fill the gaps which others leave, as a large file
   * is. One such layer is built besides the others, and has done when they have.
   */
  add(bytes: number, build: Build, { fills = false }: { readonly fills?: boolean } = {}): void {
    this.#waiting.push({ bytes, build, fills });
    this.#next();
  }

  /**
   * Resolves when all are built that are added until `look` ends.
   *
   * @throws what `look` throws, or the first failure, once nothing runs any more.
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

  /** @param leave makes room for another. */
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
