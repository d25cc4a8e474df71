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
 * Frees a block's memory at once. What `node:zlib` allocates for its output counts little for the engine,
 * which would let 60 MB of it pile up in each worker before it collects garbage.
 */
function free(bytes: Uint8Array<ArrayBuffer>): void {
  bytes.buffer.transfer(0);
}

scope.onmessage = ({ data: { buffer, job } }): void => {
  try {
    const into = new Uint8Array(buffer);
    const bytes = compressBlock(into, job);
    into.set(bytes);
    const { length } = bytes;
    scope.postMessage({ buffer, length }, [buffer]);
    free(bytes);
  } catch (error) {
    scope.postMessage({ buffer, length: 0, error: String(error) }, [buffer]);
  }
};
