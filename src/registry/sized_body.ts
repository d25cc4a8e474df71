/**
 * A streamed request body with a known length.
 * @module
 */

/** Opens the bytes of a body, each time from the beginning; call `onPiece` for every piece. */
export type OpenBody = (
  onPiece: (bytes: number) => void,
) => ReadableStream<Uint8Array<ArrayBuffer>>;

/**
 * A body of known length whose bytes are produced while they are sent, and produced again if they must be
 * resent (after a redirect, or with a new token).
 *
 * `fetch` sends a plain stream in chunked encoding, which registries refuse, and drops a manually set
 * `Content-Length`. For a `Blob` it knows the length, and reads it as a stream, so this is a `Blob` whose
 * bytes are elsewhere. If a future Deno read the length or the bytes in another way, it would send an empty
 * body, which no registry accepts as the blob.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { SizedBody } from "./sized_body.ts";
 *
 * const body = new SizedBody(3, () => new Blob(["abc"]).stream());
 * assertEquals(body.size, 3);
 * assertEquals(await new Response(body.stream()).text(), "abc");
 * ```
 */
export class SizedBody extends Blob {
  readonly #length: number;
  readonly #open: OpenBody;
  readonly #onPiece: (bytes: number) => void;

  /** A body of `length` bytes; `open` must return exactly as many. */
  constructor(length: number, open: OpenBody, onPiece: (bytes: number) => void = () => {}) {
    super();
    this.#length = length;
    this.#open = open;
    this.#onPiece = onPiece;
  }

  /** Length in bytes. */
  override get size(): number {
    return this.#length;
  }

  /** The bytes, from the beginning. */
  override stream(): ReadableStream<Uint8Array<ArrayBuffer>> {
    return this.#open(this.#onPiece);
  }

  /** The same body, with a callback for every piece that is sent. */
  watched(onPiece: (bytes: number) => void): SizedBody {
    return new SizedBody(this.#length, this.#open, onPiece);
  }
}
