/**
 * Reads a stream of chunks by counts of bytes.
 * @module
 */

/** A reader of exact counts of bytes. */
export class ByteReader {
  readonly #source: AsyncIterator<Uint8Array>;
  readonly #fail: () => never;
  #chunk: Uint8Array = new Uint8Array();

  /** Reads `source`; `fail` throws the error for a source that ends too early. */
  constructor(source: AsyncIterable<Uint8Array>, fail: () => never) {
    this.#source = source[Symbol.asyncIterator]();
    this.#fail = fail;
  }

  /** Whether nothing is left. */
  async atEnd(): Promise<boolean> {
    while (this.#chunk.length === 0) {
      const next = await this.#source.next();
      if (next.done) return true;
      this.#chunk = next.value;
    }
    return false;
  }

  /** The next `count` bytes; for small counts. */
  async take(count: number): Promise<Uint8Array> {
    if (this.#chunk.length >= count) return this.#cut(count);
    const taken = new Uint8Array(count);
    let at = 0;
    for await (const part of this.pass(count)) {
      taken.set(part, at);
      at += part.length;
    }
    return taken;
  }

  /** The next `count` bytes in pieces. */
  async *pass(count: number): AsyncGenerator<Uint8Array> {
    for (let left = count; left > 0;) {
      if (await this.atEnd()) this.#fail();
      const part = this.#cut(Math.min(left, this.#chunk.length));
      left -= part.length;
      yield part;
    }
  }

  /** Leaves out the next `count` bytes. */
  async skip(count: number): Promise<void> {
    for (let left = count; left > 0;) {
      if (await this.atEnd()) this.#fail();
      left -= this.#cut(Math.min(left, this.#chunk.length)).length;
    }
  }

  /** Closes the source. */
  async close(): Promise<void> {
    await this.#source.return?.();
  }

  #cut(count: number): Uint8Array {
    const part = this.#chunk.subarray(0, count);
    this.#chunk = this.#chunk.subarray(count);
    return part;
  }
}
