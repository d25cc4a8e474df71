/**
 * The worker that compresses blocks: one message in, one message out, buffers transferred both ways.
 * @module
 */
import { type BlockJob, compressBlock } from "./deflate.ts";

/** What the pool sends. */
export interface WorkerRequest {
  /** Holds dictionary and block. */
  readonly buffer: ArrayBuffer;
  /** What to do with it. */
  readonly job: BlockJob;
}

/**
 * What the pool gets back: the request's buffer, which now holds the compressed block. Nothing is
 * allocated for it on the pool's side, so memory does not depend on when garbage is collected.
 */
export interface WorkerResponse {
  /** The request's buffer. */
  readonly buffer: ArrayBuffer;
  /** Number of compressed bytes at the beginning of `buffer`. */
  readonly length: number;
  /** Why it failed. */
  readonly error?: string;
}

interface WorkerScope {
  onmessage: (event: MessageEvent<WorkerRequest>) => void;
  postMessage(message: WorkerResponse, transfer: ArrayBuffer[]): void;
}
const scope = globalThis as unknown as WorkerScope;

/**
 * Makes garbage until the engine collects it. The buffers that `node:zlib` allocates for its output count
 * little for the engine, which lets 60 MB of them pile up in each worker; its young generation is
 * collected as soon as 1 MB of small objects has been allocated, and takes them along. Costs 0.1 ms
 * a block of 10 ms.
 */
function provokeCollection(): void {
  for (let i = 0; i < 64; i++) _litter = new Array(1000).fill(i);
}
let _litter: unknown;

scope.onmessage = ({ data: { buffer, job } }): void => {
  try {
    const into = new Uint8Array(buffer);
    const bytes = compressBlock(into, job);
    into.set(bytes);
    scope.postMessage({ buffer, length: bytes.length }, [buffer]);
    provokeCollection();
  } catch (error) {
    scope.postMessage({ buffer, length: 0, error: String(error) }, [buffer]);
  }
};
