/**
 * What a layer needs of the place it is written to. Structurally the same as `store/ports.ts`, owned
 * here because this module must not know the store.
 * @module
 */
import type { Digest } from "../../oci/mod.ts";

/** A blob while it is written; nothing is visible under its final name before `commit`. */
export interface LayerWriter {
  /** Appends bytes; the chunk may be reused once the promise resolves. */
  write(chunk: Uint8Array): Promise<void>;
  /** Names the blob and says what it is. */
  commit(): Promise<{ readonly digest: Digest; readonly size: number }>;
  /** Throws the bytes away; never fails, may be called after `commit`. */
  abort(): Promise<void>;
}

/** Somewhere layers can be put. */
export interface LayerSink {
  /** Begins a blob. */
  create(): Promise<LayerWriter>;
}
