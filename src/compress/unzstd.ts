/**
 * zstd (RFC 8878) frame by frame. `node:zlib` decompresses one frame: it silently drops a second one and
 * accepts a truncated frame. So this module finds the frames by their block headers, and passes each to a
 * separate decompressor.
 * @module
 */
import zlib from "node:zlib";
import { concat } from "../bytes.ts";
import { hasZstd, noZstd } from "./zstd.ts";
import { damaged, type DecompressionSubject, runTransform } from "./transform.ts";

const MAGIC = 0xfd2fb528;
const SKIPPABLE = 0x184d2a50;
/** Frames of up to this size that state their decompressed size are decompressed in one call. */
const SMALL_FRAME = 256 * 1024;
const SMALL_CONTENT = 8 * 1024 * 1024;

type Zstd = Pick<typeof zlib, "createZstdDecompress" | "zstdDecompressSync">;

interface FrameHeader {
  readonly bytes: Uint8Array;
  readonly checksum: boolean;
  /** Whether it names a dictionary. */
  readonly dictionary: boolean;
  readonly contentSize: number | undefined;
}

/**
 * The uncompressed bytes of a zstd stream: all frames, without skippable ones. A truncated stream, anything
 * that is not a frame, and a wrong checksum are errors.
 */
export async function* unzstd(
  source: AsyncIterable<Uint8Array>,
  what: string,
): AsyncGenerator<Uint8Array> {
  if (!hasZstd()) throw noZstd(`Cannot decompress ${what}`, "gzip instead of zstd");
  const subject = { what, format: "zstd" };
  const reader = new ByteReader(source, () => {
    throw damaged(subject, "unexpected end of data");
  });
  try {
    while (!(await reader.atEnd())) {
      const magic = u32(await reader.take(4), 0);
      if ((magic & 0xfffffff0) >>> 0 === SKIPPABLE) {
        await reader.skip(u32(await reader.take(4), 0));
      } else if (magic === MAGIC) yield* frame(reader, subject);
      else throw damaged(subject, "data after a frame");
    }
  } finally {
    await reader.close();
  }
}

async function* frame(
  reader: ByteReader,
  subject: DecompressionSubject,
): AsyncGenerator<Uint8Array> {
  const header = await readHeader(reader);
  if (header.dictionary) throw damaged(subject, "it needs a dictionary, which layers do not have");
  const parts: Uint8Array[] = [];
  const rest = frameBytes(reader, header);
  let size = 0;
  if (header.contentSize !== undefined && header.contentSize <= SMALL_CONTENT) {
    for (let next = await rest.next();; next = await rest.next()) {
      if (next.done) {
        yield decompressSmall(concat(parts), subject);
        return;
      }
      parts.push(next.value);
      size += next.value.length;
      if (size > SMALL_FRAME) break;
    }
  }
  async function* all(): AsyncGenerator<Uint8Array> {
    yield* parts;
    yield* rest;
  }
  yield* runTransform(
    (zlib as Zstd).createZstdDecompress({ chunkSize: 256 * 1024 }),
    all(),
    subject,
  );
}

function decompressSmall(frame: Uint8Array, subject: DecompressionSubject): Uint8Array {
  try {
    return (zlib as Zstd).zstdDecompressSync(frame, { maxOutputLength: SMALL_CONTENT });
  } catch (error) {
    throw damaged(subject, error instanceof Error ? error.message : "?", error);
  }
}

/** Reads a frame's header after the magic number. */
async function readHeader(reader: ByteReader): Promise<FrameHeader> {
  const descriptor = (await reader.take(1))[0]!;
  const single = (descriptor & 0x20) !== 0;
  const dictionary = [0, 1, 2, 4][descriptor & 3]!;
  const sizeFlag = descriptor >> 6;
  const sizeBytes = sizeFlag === 0 ? (single ? 1 : 0) : 1 << sizeFlag;
  const fields = await reader.take((single ? 0 : 1) + dictionary + sizeBytes);
  const id = fields.subarray(single ? 0 : 1, (single ? 0 : 1) + dictionary);
  const content = fields.subarray(fields.length - sizeBytes);
  let contentSize: number | undefined;
  if (sizeBytes > 0) {
    contentSize = 0;
    for (let i = sizeBytes - 1; i >= 0; i--) contentSize = contentSize * 256 + content[i]!;
    if (sizeBytes === 2) contentSize += 256;
  }
  const bytes = new Uint8Array(5 + fields.length);
  new DataView(bytes.buffer).setUint32(0, MAGIC, true);
  bytes[4] = descriptor;
  bytes.set(fields, 5);
  return {
    bytes,
    checksum: (descriptor & 4) !== 0,
    dictionary: id.some((byte) => byte !== 0),
    contentSize,
  };
}

/** The bytes of one frame, its header first: blocks up to the one marked last, then the checksum. */
async function* frameBytes(reader: ByteReader, header: FrameHeader): AsyncGenerator<Uint8Array> {
  yield header.bytes;
  for (let last = false; !last;) {
    const block = await reader.take(3);
    const value = block[0]! | block[1]! << 8 | block[2]! << 16;
    last = (value & 1) === 1;
    yield block;
    const isRun = (value >> 1 & 3) === 1;
    yield* reader.pass(isRun ? 1 : value >> 3);
  }
  if (header.checksum) yield await reader.take(4);
}

function u32(bytes: Uint8Array, at: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(at, true);
}

/** A reader of exact counts of bytes. */
class ByteReader {
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

  /** Skips the next `count` bytes. */
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
