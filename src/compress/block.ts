/**
 * Compression of one block, the same in a worker and on the main thread.
 *
 * gzip: the tar is cut into fixed blocks; each is raw-deflated alone, with the 32 KiB before it as dictionary
 * and a sync flush at its end (the last is finished), so the blocks concatenate to one ordinary deflate
 * stream. zstd: each block is a separate frame, and frames can be concatenated (RFC 8878, section 3). Deflate
 * (RFC 1951) is `wasm/deflate` in WebAssembly: its bytes are the same on every machine and in every version
 * of Deno, which those of `node:zlib` are not (docs/decisions/deflate.md). Either way the result does not
 * depend on how many workers there are.
 * @module
 */
import { freeMemory } from "./free_memory.ts";
import { DEFLATE_MODULE } from "./module.ts";
import { compressZstd } from "./zstd.ts";

/** How one block is compressed. */
export interface BlockJob {
  /** Format. */
  readonly kind: "gzip" | "zstd";
  /** The format's level. */
  readonly level: number;
  /** Where the block begins in the buffer; the bytes before it are the dictionary. */
  readonly start: number;
  /** Where it ends. */
  readonly end: number;
  /** Number of dictionary bytes before `start`. */
  readonly dictionary: number;
  /** Whether the stream ends with this block; otherwise deflate ends it on a byte, so that blocks can be joined. */
  readonly last: boolean;
}

/**
 * Compresses `buffer[start, end)` into the beginning of the same buffer, which has room for incompressible
 * data that grows.
 *
 * @returns Number of compressed bytes.
 */
export function compressBlock(buffer: Uint8Array, job: BlockJob): number {
  if (job.kind === "gzip") {
    const bytes = deflateBlock(buffer, job);
    buffer.set(bytes);
    return bytes.length;
  }
  const bytes = compressZstd(buffer.subarray(job.start, job.end), job.level);
  const { length } = bytes;
  buffer.set(bytes);
  freeMemory(bytes);
  return length;
}

/** What the module exports. */
interface Exports {
  readonly memory: WebAssembly.Memory;
  input(): number;
  output(): number;
  setLevel(way: number, nice: number, depth: number, lazy: number): void;
  compress(dictionary: number, end: number, last: boolean): number;
}

/** How thoroughly repetitions are searched for: the arguments of `setLevel` in `wasm/deflate/index.ts`. */
type Effort = readonly [way: number, nice: number, depth: number, lazy: number];

const FAST = 0;
const ROWS = 1;
const CHAINS = 2;

/**
 * Levels as users know them from gzip: 1 is the fastest, 9 the smallest. The numbers are part of the byte
 * layout.
 */
const EFFORTS: readonly Effort[] = [
  [FAST, 0, 0, 0],
  [ROWS, 8, 1, 0],
  [ROWS, 16, 4, 0],
  [ROWS, 16, 4, 4],
  [ROWS, 16, 6, 6],
  [ROWS, 32, 12, 8],
  [CHAINS, 130, 32, 32],
  [CHAINS, 130, 128, 130],
  [CHAINS, 258, 1024, 258],
];

/** The input; a block has up to 1 MiB, its dictionary up to 32 KiB. Levels are 1 to 9. */
export type DeflateJob = Omit<BlockJob, "kind">;

let instance: Exports | undefined;

function load(): Exports {
  const module = new WebAssembly.Module(Uint8Array.from(atob(DEFLATE_MODULE), code));
  const { exports } = new WebAssembly.Instance(module);
  return exports as unknown as Exports;
}

function code(character: string): number {
  return character.charCodeAt(0);
}

/**
 * Compresses `buffer[start, end)`.
 *
 * @returns the bytes; they are valid until the next call.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import zlib from "node:zlib";
 * import { deflateBlock } from "./block.ts";
 *
 * const text = new TextEncoder().encode("one and one and one and one");
 * const job = { level: 5, start: 0, end: text.length, dictionary: 0, last: true };
 * assertEquals(new Uint8Array(zlib.inflateRawSync(deflateBlock(text, job))), text);
 * ```
 */
export function deflateBlock(buffer: Uint8Array, job: DeflateJob): Uint8Array {
  const { level, start, end, dictionary, last } = job;
  const effort = EFFORTS[level - 1];
  if (effort === undefined || end - start > 1 << 20 || dictionary > 32 << 10) {
    throw new RangeError(`Cannot compress ${end - start} bytes at level ${level}`);
  }
  instance ??= load();
  const { memory } = instance;
  new Uint8Array(memory.buffer).set(buffer.subarray(start - dictionary, end), instance.input());
  instance.setLevel(...effort);
  const length = instance.compress(dictionary, dictionary + end - start, last);
  return new Uint8Array(memory.buffer, instance.output(), length);
}
