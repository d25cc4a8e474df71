/**
 * What other modules need of a store of blobs. The image layout and the cache implement both.
 * @module
 */
import type { Digest } from "../oci/mod.ts";

/** What {@linkcode BlobWriter.commit} checks before the blob gets its name. */
export interface ExpectedBlob {
  /** Digest the bytes must have. */
  readonly digest?: Digest;
  /** Number of bytes there must be. */
  readonly size?: number;
}

/** What a committed blob is. */
export interface StoredBlob {
  /** Digest of the bytes written. */
  readonly digest: Digest;
  /** Number of bytes written. */
  readonly size: number;
}

/**
 * A blob while it is written: to a temporary name, hashed on the way. Nothing appears under the
 * blob's final name before `commit` has verified, flushed and renamed it; committing a blob that is
 * already there is not an error: the verified bytes take its place, which heals a damaged one. After a failed `write` or `commit` the
 * temporary file is gone.
 */
export interface BlobWriter {
  /** Number of bytes written so far. */
  readonly bytesWritten: number;
  /** Appends bytes; the chunk may be reused by the caller once the promise resolves. */
  write(chunk: Uint8Array): Promise<void>;
  /** Verifies and names the blob. @throws {MiseOciError} `integrity` on a mismatch, `io` on failure. */
  commit(expected?: ExpectedBlob): Promise<StoredBlob>;
  /** Throws the bytes away; never fails, may be called twice or after `commit`. */
  abort(): Promise<void>;
}

/** Somewhere blobs can be put. */
export interface BlobSink {
  /** Whether the whole blob already exists. */
  has(digest: Digest, size: number): Promise<boolean>;
  /** Begins a blob. */
  create(): Promise<BlobWriter>;
}

/** Somewhere blobs can be read from. */
export interface BlobSource {
  /** Size of a blob, or `undefined` if it is not there. */
  size(digest: Digest): Promise<number | undefined>;
  /**
   * The bytes of a blob from `start` (default 0) up to, not including, `end` (default: all). A read of
   * the whole blob is verified: the stream fails with `integrity` before its end if the bytes differ.
   * @throws {MiseOciError} `not-found` naming the blob and the place.
   */
  open(digest: Digest, range?: BlobRange): Promise<ReadableStream<Uint8Array<ArrayBuffer>>>;
}

/** Part of a blob. */
export interface BlobRange {
  /** First byte, from 0. */
  readonly start: number;
  /** One past the last byte. */
  readonly end?: number;
}
