/**
 * The slices of a blob that are uploaded as chunks: a default length, and limits learnt from each registry.
 * @module
 */
import { MiseOciError } from "../errors.ts";
import type { Descriptor } from "../oci/mod.ts";
import type { BlobSource } from "../store/ports.ts";
import { SizedBody } from "./sized_body.ts";
import type { RegistryClient } from "./transport.ts";

/**
 * 64 MiB: bodies are streamed, so this uses no memory. Long enough that the time between chunks does not
 * matter, and short enough for proxies with a limit of 100 MB per request.
 */
const DEFAULT_CHUNK_BYTES: number = 64 * 1024 * 1024;
/** A registry with a smaller limit is treated as broken. */
const LEAST_CHUNK_BYTES = 256 * 1024;

/** The sizes learnt during the life of the client, which belongs to one registry. */
const learnt = new WeakMap<RegistryClient, number>();

/** Input of {@linkcode chunkBytes}. */
interface ChunkLimits {
  /** The registry's minimum. */
  readonly minChunkBytes: number;
  /** The length if nothing was learnt. Default {@linkcode DEFAULT_CHUNK_BYTES}. */
  readonly preferred?: number | undefined;
}

/** The length of the next chunk. */
export function chunkBytes(client: RegistryClient, limits: ChunkLimits): number {
  const { minChunkBytes, preferred = DEFAULT_CHUNK_BYTES } = limits;
  return Math.max(learnt.get(client) ?? preferred, minChunkBytes);
}

/** Records that a body of this length is too long. Returns false if there is no shorter one to try. */
export function learnSmallerChunk(
  client: RegistryClient,
  refused: { readonly bytes: number; readonly minChunkBytes: number },
): boolean {
  const { bytes, minChunkBytes } = refused;
  const half = Math.floor(bytes / 2);
  if (half < Math.max(LEAST_CHUNK_BYTES, minChunkBytes)) return false;
  learnt.set(client, Math.min(half, learnt.get(client) ?? Infinity));
  client.log(1, `Registry "${client.registry}" takes no ${bytes} bytes at once, trying ${half}`);
  return true;
}

type Piece = Uint8Array<ArrayBuffer>;

/** A position in an open blob. */
class Cursor {
  readonly #reader: ReadableStreamDefaultReader<Piece>;
  #rest: Piece = new Uint8Array(0);
  #position: number;

  constructor(stream: ReadableStream<Piece>, position: number) {
    this.#reader = stream.getReader();
    this.#position = position;
  }

  /** Position of the next byte in the blob. */
  get position(): number {
    return this.#position;
  }

  /** The next bytes, at most `limit`; `undefined` at the end. */
  async maybeRead(limit: number): Promise<Piece | undefined> {
    if (this.#rest.length === 0) {
      const { value } = await this.#reader.read();
      if (value === undefined) return undefined;
      this.#rest = value;
    }
    const piece = this.#rest.subarray(0, limit);
    this.#rest = this.#rest.subarray(piece.length);
    this.#position += piece.length;
    return piece;
  }

  async close(): Promise<void> {
    await this.#reader.cancel().catch(() => {});
  }
}

/**
 * Splits a blob into request bodies. While they are consecutive, the blob is read in one pass, so that its
 * store can verify it; if an upload has to go back, the blob is opened again at that position.
 */
export class BlobSlices {
  readonly #source: BlobSource;
  readonly #blob: Descriptor;
  readonly #open = new Set<Cursor>();
  #failure: unknown;
  /** Where the last body ended. */
  #idle: Cursor | undefined;

  /** Opens nothing yet. */
  constructor(source: BlobSource, blob: Descriptor) {
    this.#source = source;
    this.#blob = blob;
  }

  /** `length` bytes from `start`; `onPiece` is called for every piece that is sent. */
  slice(start: number, length: number, onPiece?: (bytes: number) => void): SizedBody {
    return new SizedBody(length, (onSent) =>
      this.#stream(start, length, (bytes) => {
        onPiece?.(bytes);
        onSent(bytes);
      }));
  }

  #stream(
    start: number,
    length: number,
    onPiece: (bytes: number) => void,
  ): ReadableStream<Piece> {
    let left = length;
    let cursor: Cursor | undefined;
    let cancelled = false;
    const next = async (): Promise<Piece> => {
      cursor ??= await this.#take(start);
      const piece = await cursor.maybeRead(left) ?? this.#wrong("shorter");
      left -= piece.length;
      if (left > 0 || cancelled) return piece;
      // Before the last piece is sent: a damaged blob is never sent completely.
      await this.#giveBack(cursor);
      cursor = undefined;
      return piece;
    };
    return new ReadableStream<Piece>({
      pull: async (controller) => {
        try {
          const piece = await next();
          if (cancelled) return;
          onPiece(piece.length);
          controller.enqueue(piece);
          if (left === 0) controller.close();
        } catch (error) {
          if (cancelled) return;
          this.#failure ??= error;
          controller.error(error);
        }
      },
      cancel: async () => {
        cancelled = true;
        await cursor?.close();
      },
    }, { highWaterMark: 0 });
  }

  /** Throws the error of the source, which `fetch` hides in a network error. */
  throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Closes all open readers. */
  async close(): Promise<void> {
    const open = [...this.#open];
    this.#open.clear();
    this.#idle = undefined;
    await Promise.all(open.map((cursor) => cursor.close()));
  }

  async #take(start: number): Promise<Cursor> {
    const idle = this.#idle;
    this.#idle = undefined;
    if (idle?.position === start) return idle;
    await idle?.close();
    const range = start === 0 ? undefined : { start };
    const cursor = new Cursor(await this.#source.open(this.#blob.digest, range), start);
    this.#open.add(cursor);
    return cursor;
  }

  /** Keeps the cursor for the next body; at the end of the blob, reads on so that the store verifies it. */
  async #giveBack(cursor: Cursor): Promise<void> {
    if (cursor.position < this.#blob.size) {
      this.#idle = cursor;
      return;
    }
    const more = await cursor.maybeRead(1);
    await cursor.close();
    if (more !== undefined) this.#wrong("longer");
  }

  #wrong(how: string): never {
    const { digest, size } = this.#blob;
    throw new MiseOciError(
      "integrity",
      `Cannot read blob ${digest}: it is ${how} than ${size} bytes`,
      {
        hint: "Build the image again",
      },
    );
  }
}
