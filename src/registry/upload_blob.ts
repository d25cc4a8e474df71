/**
 * Uploads one blob to a repository: mounted, in one request, or in resumable chunks.
 * @module
 */
import { MiseOciError } from "../errors.ts";
import type { Descriptor } from "../oci/mod.ts";
import type { BlobSource } from "../store/ports.ts";
import { BlobSlices, chunkBytes, learnSmallerChunk } from "./blob_slices.ts";
import {
  cancelUpload,
  finishUpload,
  maybeUploadStatus,
  mountBlob,
  patchUpload,
  startUpload,
} from "./upload_requests.ts";
import { hasBlob } from "./get_blob.ts";
import type { Attempts } from "./retry.ts";
import type { SizedBody } from "./sized_body.ts";
import type { RegistryClient } from "./transport.ts";
import type { BlobTarget, UploadProblem, UploadSession } from "./upload_session.ts";

/** Options of {@linkcode uploadBlob}. */
export interface UploadBlobOptions {
  /** Repository. */
  readonly repository: string;
  /** The blob. */
  readonly blob: Descriptor;
  /** The source of its bytes. */
  readonly source: BlobSource;
  /** Another repository of the same registry that may have it. */
  readonly mountFrom?: string | undefined;
  /** Length of a chunk, unless the registry requires another. Default 64 MiB. */
  readonly chunkBytes?: number | undefined;
  /** Called with the number of bytes that were sent for the first time. */
  readonly onProgress?: (bytes: number) => void;
  /** Aborts the upload. */
  readonly signal?: AbortSignal | undefined;
}

/** Result of {@linkcode uploadBlob}. */
export interface UploadedBlob {
  /** How the blob was added to the repository. */
  readonly outcome: "uploaded" | "mounted";
  /** Bytes of it that were sent, including repeated ones. */
  readonly bytesSent: number;
}

/** A session that cannot be completed. */
interface Lost {
  readonly error: MiseOciError;
  /** The next session is used differently, so this is not a repetition. */
  readonly changed?: boolean;
  /** The connection or the registry failed without a response. */
  readonly broken?: boolean;
}

/** What to do after a step: continue from `offset`, end with success, or start again. */
type Next = { readonly offset: number } | "done" | Lost;

/** How often a chunk may fail without progress. */
const MAX_STALLS = 3;
/** How often the upload of a blob is restarted; once if a working registry loses the session. */
const MAX_RESTARTS = 4;

/**
 * Uploads a blob that the repository does not have.
 *
 * @throws {MiseOciError} `auth`, `registry` or `network` naming blob, URL and status; `integrity` if the
 * source's bytes are not the blob.
 */
export async function uploadBlob(
  client: RegistryClient,
  options: UploadBlobOptions,
): Promise<UploadedBlob> {
  const { repository, blob, mountFrom, signal } = options;
  const target: BlobTarget = { repository, digest: blob.digest, signal };
  let session: UploadSession | undefined;
  if (mountFrom !== undefined && mountFrom !== repository) {
    const result = await mountBlob(client, { ...target, from: mountFrom });
    if (result.kind === "mounted") return { outcome: "mounted", bytesSent: 0 };
    if (result.kind === "session") session = result.session;
  }
  const upload = new BlobUpload(client, target, options);
  await upload.run(session);
  return { outcome: "uploaded", bytesSent: upload.bytesSent };
}

class BlobUpload {
  /** Bytes sent, repeated ones included. */
  bytesSent = 0;
  readonly #client: RegistryClient;
  readonly #target: BlobTarget;
  readonly #options: UploadBlobOptions;
  readonly #blob: Descriptor;
  readonly #slices: BlobSlices;
  readonly #attempts: Attempts;
  #session: UploadSession = { url: new URL("about:blank"), minChunkBytes: 0 };
  /** Number of bytes reported as progress. */
  #reported = 0;
  /** Bytes stored in the current session. */
  #stored = 0;
  #resumed = false;
  #stalls = 0;
  /** Whether the blob is sent in one request, because the registry loses chunks. */
  #whole = false;

  constructor(client: RegistryClient, target: BlobTarget, options: UploadBlobOptions) {
    this.#client = client;
    this.#target = target;
    this.#options = options;
    this.#blob = options.blob;
    this.#slices = new BlobSlices(options.source, options.blob);
    this.#attempts = client.attempts(options.signal);
  }

  /** Sends the blob, in a new session if one is lost. */
  async run(first: UploadSession | undefined): Promise<void> {
    this.#session = first ?? await startUpload(this.#client, this.#target);
    let finished = false;
    try {
      for (let restarts = 0;;) {
        const lost = await this.#transfer();
        finished = lost === undefined;
        if (lost === undefined) return;
        const limit = lost.broken || this.#stored > 0 ? MAX_RESTARTS : 1;
        if (!lost.changed && ++restarts > limit) throw lost.error;
        this.#client.log(1, `Beginning the upload of blob ${this.#blob.digest} again`);
        await this.#cancel();
        this.#session = await startUpload(this.#client, this.#target);
      }
    } finally {
      await this.#slices.close();
      if (!finished) await this.#cancel();
    }
  }

  #cancel(): Promise<void> {
    return cancelUpload(this.#client, this.#session, this.#target);
  }

  async #transfer(): Promise<Lost | undefined> {
    this.#stored = 0;
    this.#resumed = false;
    this.#stalls = 0;
    for (let offset = 0;;) {
      const left = this.#blob.size - offset;
      const limit = this.#limit();
      const next = left === 0 || (offset === 0 && left <= limit)
        ? await this.#finish(left)
        : await this.#chunk(offset, Math.min(left, limit));
      if (next === "done") {
        this.#progress(this.#blob.size);
        return undefined;
      }
      if ("error" in next) return next;
      if (next.offset > offset) {
        this.#attempts.reset();
        this.#stalls = 0;
      }
      offset = this.#stored = next.offset;
      this.#progress(offset);
    }
  }

  #progress(stored: number): void {
    if (stored <= this.#reported) return;
    this.#options.onProgress?.(stored - this.#reported);
    this.#reported = stored;
  }

  /** The longest body of one request. */
  #limit(): number {
    if (this.#whole) return this.#blob.size;
    const { minChunkBytes } = this.#session;
    return chunkBytes(this.#client, { minChunkBytes, preferred: this.#options.chunkBytes });
  }

  #slice(start: number, length: number): SizedBody {
    let at = start;
    return this.#slices.slice(start, length, (bytes) => {
      this.bytesSent += bytes;
      at += bytes;
      this.#progress(at);
    });
  }

  async #chunk(start: number, length: number): Promise<Next> {
    const body = this.#slice(start, length);
    const result = await patchUpload(this.#client, this.#session, { ...this.#target, body, start });
    this.#slices.throwFailure();
    if (result.kind !== "stored") return await this.#recover(result, { start, length });
    this.#session = result.session;
    const end = start + length;
    const stored = result.stored ?? end;
    if (stored === end) return { offset: end };
    if (stored > start && stored < end) return { offset: stored };
    return await this.#advance(start, unstored(this.#blob));
  }

  /** Completes the blob, after sending all of it if `length` is not 0. */
  async #finish(length: number): Promise<Next> {
    const body = length === 0 ? undefined : this.#slice(0, length);
    const { size } = this.#blob;
    const result = await finishUpload(this.#client, this.#session, { ...this.#target, body, size });
    this.#slices.throwFailure();
    switch (result.kind) {
      case "created":
        return "done";
      case "unconfirmed":
        return await this.#isThere() ? "done" : { error: unstored(this.#blob) };
      case "invalid":
        // The content of a resumed session may be wrong; a new session may succeed.
        if (this.#resumed) return { error: result.error };
        throw result.error;
      case "failed":
        await this.#attempts.again(result);
        if (await this.#isThere()) return "done";
        return await this.#resume(result.error);
      case "gone":
        // Deno automatically resends a request when an idle connection breaks: the first one may have
        // succeeded.
        return await this.#isThere() ? "done" : { error: result.error };
      default:
        return await this.#recover(result, { start: size - length, length });
    }
  }

  #isThere(): Promise<boolean> {
    return hasBlob(this.#client, { ...this.#target, size: this.#blob.size });
  }

  /** Decides how to continue after a failed request. */
  async #recover(
    problem: UploadProblem,
    sent: { readonly start: number; readonly length: number },
  ): Promise<Next> {
    const { error } = problem;
    switch (problem.kind) {
      case "gone":
        return { error };
      case "too-large":
        return this.#shrink(sent.length, error);
      case "out-of-range": {
        const next = await this.#advance(sent.start, error);
        const inOrder = "offset" in next && next.offset === sent.start;
        // The registry has the expected bytes, so it refused the length.
        return inOrder ? this.#shrink(sent.length, error) : next;
      }
      case "invalid":
      case "failed":
        await this.#attempts.again(problem);
        return await this.#resume(error);
    }
  }

  #shrink(bytes: number, error: MiseOciError): Lost {
    const { minChunkBytes } = this.#session;
    if (!learnSmallerChunk(this.#client, { bytes, minChunkBytes })) throw error;
    return { error, changed: true };
  }

  /** Requests the stored length and continues from there. */
  async #resume(error: MiseOciError): Promise<{ readonly offset: number } | Lost> {
    this.#resumed = true;
    const status = await maybeUploadStatus(this.#client, this.#session, this.#target);
    if (status === undefined || status.stored > this.#blob.size) return { error, broken: true };
    this.#session = status.session;
    return { offset: status.stored };
  }

  /** Like `#resume`, for a registry that responded but did not store the bytes from `start`. */
  async #advance(start: number, error: MiseOciError): Promise<{ readonly offset: number } | Lost> {
    const next = await this.#resume(error);
    if ("error" in next || next.offset > start || ++this.#stalls <= MAX_STALLS) return next;
    if (this.#whole) return { error };
    this.#whole = true;
    return { error, changed: true };
  }
}

function unstored(blob: Descriptor): MiseOciError {
  return new MiseOciError(
    "registry",
    `Cannot upload blob ${blob.digest}: the registry accepts its bytes and does not store them`,
    { hint: "The registry has a problem; see its log, or push with --tool skopeo" },
  );
}
