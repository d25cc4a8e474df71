/**
 * The interface of the place where layers are written. Structurally the same as in `store/ports.ts`,
 * defined here because this module must not depend on the store.
 * @module
 */
import type { Digest } from "../../oci/mod.ts";

/** A blob being written; not visible under its final name before `commit`. */
export interface LayerWriter {
  /** Appends bytes; the chunk may be reused once the promise resolves. */
  write(chunk: Uint8Array): Promise<void>;
  /** Makes the blob visible and returns its digest and size. */
  commit(): Promise<{ readonly digest: Digest; readonly size: number }>;
  /** Discards the bytes; never fails, and may be called after `commit`. */
  abort(): Promise<void>;
}

/** A place where layers can be written. */
export interface LayerSink {
  /** Starts a blob. */
  create(): Promise<LayerWriter>;
}
