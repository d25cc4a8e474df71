/**
 * The worker that compresses blocks: one message in, one message out, buffers transferred both ways.
 * @module
 */
import { type BlockJob, compressBlock } from "./block.ts";

/** What the pool sends. */
export interface WorkerRequest {
  /** Holds dictionary and block. */
  readonly buffer: ArrayBuffer;
  /** What to do with it. */
  readonly job: BlockJob;
}

/**
 * The response to the pool: the request's buffer, which now holds the compressed block. The pool allocates
 * nothing for it, so memory use does not depend on garbage collection.
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

scope.onmessage = ({ data: { buffer, job } }): void => {
  try {
    const length = compressBlock(new Uint8Array(buffer), job);
    scope.postMessage({ buffer, length }, [buffer]);
  } catch (error) {
    scope.postMessage({ buffer, length: 0, error: String(error) }, [buffer]);
  }
};
