/**
 * Reading a blob into buffers, from anywhere in it.
 * @module
 */
import { MiseOciError } from "../errors.ts";
import type { Descriptor } from "../oci/mod.ts";
import type { BlobSource } from "../store/ports.ts";

type Reader = ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>;

/** Reads one blob front to back, and again from an earlier place where an upload has to go back. */
export class BlobReader {
  readonly #source: BlobSource;
  readonly #blob: Descriptor;
  #reader: Reader | undefined;
  /** Where in the blob the next unread byte is. */
  #position = 0;
  /** What was read and not yet asked for. */
  #rest: Uint8Array<ArrayBuffer> = new Uint8Array(0);

  /** Opens nothing yet. */
  constructor(source: BlobSource, blob: Descriptor) {
    this.#source = source;
    this.#blob = blob;
  }

  /** Fills the whole buffer with the bytes from `start`. @throws {MiseOciError} `integrity` if the blob is too short. */
  async fill(buffer: Uint8Array<ArrayBuffer>, start: number): Promise<void> {
    if (this.#reader === undefined || start !== this.#position) await this.#open(start);
    let filled = 0;
    while (filled < buffer.length) {
      if (this.#rest.length === 0) this.#rest = await this.#next();
      const part = this.#rest.subarray(0, buffer.length - filled);
      buffer.set(part, filled);
      filled += part.length;
      this.#rest = this.#rest.subarray(part.length);
    }
    this.#position += filled;
  }

  /** Closes what is open; may be called twice. */
  async close(): Promise<void> {
    const reader = this.#reader;
    this.#reader = undefined;
    this.#rest = new Uint8Array(0);
    await reader?.cancel().catch(() => {});
  }

  async #open(start: number): Promise<void> {
    await this.close();
    // The whole blob is verified by the store while it is read, a part cannot be.
    const stream = await this.#source.open(this.#blob.digest, start === 0 ? undefined : { start });
    this.#reader = stream.getReader();
    this.#position = start;
  }

  async #next(): Promise<Uint8Array<ArrayBuffer>> {
    const next = await this.#reader?.read();
    if (next?.value !== undefined) return next.value;
    throw new MiseOciError(
      "integrity",
      `Cannot read blob ${this.#blob.digest}: it is shorter than its ${this.#blob.size} bytes`,
      { hint: "Build the image again" },
    );
  }
}
