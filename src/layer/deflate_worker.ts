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

/** What the pool gets back; `buffer` is the request's, to be used again. */
export interface WorkerResponse {
  /** The request's buffer. */
  readonly buffer: ArrayBuffer;
  /** The compressed block, in the first `length` bytes. */
  readonly output?: ArrayBuffer;
  /** Number of bytes in `output`. */
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
    const bytes = compressBlock(new Uint8Array(buffer), job);
    const output = bytes.byteOffset === 0 ? bytes.buffer : bytes.slice().buffer;
    scope.postMessage({ buffer, output, length: bytes.length }, [buffer, output]);
  } catch (error) {
    scope.postMessage({ buffer, length: 0, error: String(error) }, [buffer]);
  }
};
