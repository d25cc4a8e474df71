/**
 * One HTTP exchange: a request, its response, and a watchdog over both. Redirects, retries and credentials
 * are handled by the transport.
 * @module
 */
import { concat } from "../bytes.ts";
import { hostAndPort } from "./host.ts";
import { startLateTimer } from "../late_timer.ts";
import { SizedBody } from "./sized_body.ts";

/** The part of `fetch` that is used; tests replace it. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** One request. */
export interface HttpRequest {
  /** Method. */
  readonly method: string;
  /** Absolute URL. */
  readonly url: URL;
  /** Header fields. */
  readonly headers: Readonly<Record<string, string>>;
  /**
   * Body, never a plain stream: Deno sends those chunked, which registries refuse, and cannot send them
   * twice.
   */
  readonly body?: Uint8Array<ArrayBuffer> | SizedBody | undefined;
  /** Maximum idle time of the other side, in milliseconds. */
  readonly idleTimeoutMs: number;
  /** Aborts the exchange. */
  readonly signal?: AbortSignal | undefined;
}

/** A peer that sends less than this within the idle timeout is treated as idle (slow loris). */
const MIN_PROGRESS_BYTES = 512;
/** The minimum speed of an upload, in bytes per second. */
const MIN_UPLOAD_RATE = 16 * 1024;
/** Number of bytes of a streamed body that may still be buffered when its last byte has been read. */
const MAX_BUFFERED = 1024 * 1024;
/** An unneeded body up to this size is read to its end, so that the connection can be reused. */
const DRAIN_BYTES = 64 * 1024;

/** A broken exchange: `cause` is the error of Deno or of the watchdog. */
export class ExchangeError extends Error {
  override readonly name = "ExchangeError";

  /** Wraps an error, with the request that failed (which may follow a redirect). */
  constructor(readonly request: HttpRequest, cause: unknown) {
    super("The exchange broke", { cause });
  }
}

/**
 * Ends an exchange when the peer is idle for too long or the caller's signal is aborted. The caller's own
 * time between reads is not counted.
 */
class Watchdog {
  readonly #request: HttpRequest;
  readonly #abort = new AbortController();
  readonly #onAbort: () => void;
  #stopTimer: (() => void) | undefined;
  #startedAt = 0;
  #silentMs = 0;
  #progress = 0;

  constructor(request: HttpRequest) {
    const { signal } = request;
    this.#request = request;
    this.#onAbort = () => this.#abort.abort(signal?.reason);
    if (signal?.aborted) this.#onAbort();
    signal?.addEventListener("abort", this.#onAbort, { once: true });
  }

  /** Aborted when the exchange must end. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /**
   * Waits for a step of the peer. Deno may drop the signal of a `fetch` once the head has arrived (it is
   * held weakly), so this does not rely on the step failing.
   */
  async wait<T>(step: Promise<T>, bytesOf: (result: T) => number, extraMs = 0): Promise<T> {
    this.#start(extraMs);
    let bytes = 0;
    const { promise, reject, resolve } = Promise.withResolvers<T>();
    const { signal } = this.#abort;
    const onAbort = (): void => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    step.then(resolve, reject);
    try {
      const result = await promise;
      bytes = bytesOf(result);
      return result;
    } catch (cause) {
      throw new ExchangeError(this.#request, cause);
    } finally {
      signal.removeEventListener("abort", onAbort);
      this.#stop(bytes);
    }
  }

  /** The peer has received a part of the body. */
  touch(extraMs: number): void {
    if (this.#stopTimer === undefined) return;
    this.#stop(MIN_PROGRESS_BYTES);
    this.#start(extraMs);
  }

  /** The exchange has ended. */
  release(): void {
    this.#request.signal?.removeEventListener("abort", this.#onAbort);
  }

  #start(extraMs: number): void {
    const { idleTimeoutMs, url } = this.#request;
    this.#startedAt = performance.now();
    this.#stopTimer = startLateTimer(Math.max(0, idleTimeoutMs + extraMs - this.#silentMs), () => {
      const seconds = Math.round(idleTimeoutMs / 100) / 10;
      this.#abort.abort(new Error(`${hostAndPort(url)} was silent for ${seconds} s`));
    });
  }

  #stop(bytes: number): void {
    this.#stopTimer?.();
    this.#stopTimer = undefined;
    this.#progress += bytes;
    this.#silentMs += performance.now() - this.#startedAt;
    if (this.#progress >= MIN_PROGRESS_BYTES) {
      this.#progress = 0;
      this.#silentMs = 0;
    }
  }
}

/** A response whose body must be read to its end or discarded. */
export class HttpResponse {
  /** Status code. */
  readonly status: number;
  /** Header fields. */
  readonly headers: Headers;
  /** The request. */
  readonly request: HttpRequest;
  readonly #body: ReadableStream<Uint8Array<ArrayBuffer>> | null;
  readonly #watchdog: Watchdog;

  /** Wraps a response of `fetch`. */
  constructor(response: Response, request: HttpRequest, watchdog: Watchdog) {
    this.status = response.status;
    this.headers = response.headers;
    this.request = request;
    this.#body = response.body;
    this.#watchdog = watchdog;
    if (this.#body === null) watchdog.release();
  }

  /** The `Content-Length`, if it is valid. */
  get contentLength(): number | undefined {
    const text = this.headers.get("content-length");
    return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
  }

  /** The body in chunks. Leaving the loop early closes the connection. */
  async *chunks(): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    if (this.#body === null) return;
    const reader = this.#body.getReader();
    let ended = false;
    try {
      for (;;) {
        const { value } = await this.#watchdog.wait(
          reader.read(),
          (read) => read.value?.length ?? 0,
        );
        if (value === undefined) {
          ended = true;
          return;
        }
        yield value;
      }
    } finally {
      if (!ended) reader.cancel().catch(() => {});
      this.#watchdog.release();
    }
  }

  /** The first `limit` bytes of the body, and whether that was all. Nothing after them is read. */
  async head(limit: number): Promise<{ bytes: Uint8Array<ArrayBuffer>; complete: boolean }> {
    const parts: Uint8Array<ArrayBuffer>[] = [];
    let size = 0;
    let complete = true;
    for await (const chunk of this.chunks()) {
      const room = limit - size;
      parts.push(chunk.length > room ? chunk.slice(0, room) : chunk);
      size += Math.min(chunk.length, room);
      if (chunk.length > room) {
        complete = false;
        break;
      }
    }
    return { bytes: concat(parts), complete };
  }

  /** Discards the body, and keeps the connection if the rest is short. Never fails. */
  async discard(): Promise<void> {
    if (this.#body === null || this.#body.locked) return;
    try {
      if ((this.contentLength ?? Infinity) <= DRAIN_BYTES) await this.head(DRAIN_BYTES);
      else await this.#body.cancel();
    } catch {
      // The connection is closed, which is sufficient.
    }
    this.#watchdog.release();
  }
}

/**
 * Sends one request and waits for the head of the response.
 *
 * @throws {ExchangeError} if it fails: no connection, idle timeout or aborted signal.
 */
export async function exchange(fetch: Fetch, request: HttpRequest): Promise<HttpResponse> {
  const { method, url, headers, body } = request;
  const watchdog = new Watchdog(request);
  const length = body instanceof SizedBody ? Math.min(body.size, MAX_BUFFERED) : body?.length ?? 0;
  const uploadMs = length / MIN_UPLOAD_RATE * 1000;
  const watched = body instanceof SizedBody ? body.watched(() => watchdog.touch(uploadMs)) : body;
  const sent = fetch(url.href, {
    method,
    headers: { "Accept-Encoding": "identity", ...headers },
    ...(watched === undefined ? {} : { body: watched }),
    redirect: "manual",
    signal: watchdog.signal,
  });
  try {
    const response = await watchdog.wait(sent, () => MIN_PROGRESS_BYTES, uploadMs);
    return new HttpResponse(response, request, watchdog);
  } catch (error) {
    watchdog.release();
    // A response that arrives later is discarded.
    sent.then((late) => late.body?.cancel()).catch(() => {});
    throw error;
  }
}
