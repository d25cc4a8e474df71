/**
 * One HTTP exchange: a request, its response, and a watchdog over both. No redirects, no retries, no
 * credentials of its own: those belong to the transport.
 * @module
 */
import { hostAndPort } from "./host.ts";

/** The part of `fetch` that is used; tests put their own in its place. */
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
   * Body. Bytes, never a stream: Deno sends streams chunked, which registries refuse, and cannot send
   * them twice.
   */
  readonly body?: Uint8Array<ArrayBuffer> | undefined;
  /** Longest silence of the other side, in milliseconds. */
  readonly idleTimeoutMs: number;
  /** Ends the exchange. */
  readonly signal?: AbortSignal | undefined;
}

/** A side that sends less than this within the idle timeout counts as silent (slow loris). */
const MIN_PROGRESS_BYTES = 512;
/** The slowest upload that is given time to end, in bytes a second. */
const MIN_UPLOAD_RATE = 16 * 1024;
/** A body that is not wanted is read to its end up to this size, so that its connection can be reused. */
const DRAIN_BYTES = 64 * 1024;

/** The other side was silent for too long. */
export class SilenceError extends Error {
  override readonly name = "SilenceError";
}

/** Aborts when the other side stays silent. Time that our own side takes between reads does not count. */
class Watchdog {
  readonly #abort: AbortController;
  readonly #request: HttpRequest;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #startedAt = 0;
  #silentMs = 0;
  #progress = 0;

  constructor(abort: AbortController, request: HttpRequest) {
    this.#abort = abort;
    this.#request = request;
  }

  /** The other side's turn begins. */
  start(extraMs = 0): void {
    const { idleTimeoutMs, url } = this.#request;
    this.#startedAt = performance.now();
    this.#timer = setTimeout(() => {
      const seconds = Math.round(idleTimeoutMs / 100) / 10;
      this.#abort.abort(new SilenceError(`${hostAndPort(url)} was silent for ${seconds} s`));
    }, Math.max(0, idleTimeoutMs + extraMs - this.#silentMs));
  }

  /** The other side has sent so many bytes. */
  stop(bytes: number): void {
    clearTimeout(this.#timer);
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
  /** The request that it answers. */
  readonly request: HttpRequest;
  readonly #body: ReadableStream<Uint8Array<ArrayBuffer>> | null;
  readonly #watchdog: Watchdog;

  /** Wraps what `fetch` gave. */
  constructor(response: Response, request: HttpRequest, watchdog: Watchdog) {
    this.status = response.status;
    this.headers = response.headers;
    this.request = request;
    this.#body = response.body;
    this.#watchdog = watchdog;
  }

  /** The `Content-Length`, if there is a usable one. */
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
        const chunk = await this.#read(reader);
        if (chunk === undefined) {
          ended = true;
          return;
        }
        yield chunk;
      }
    } finally {
      if (!ended) await reader.cancel().catch(() => {});
      reader.releaseLock();
    }
  }

  /** One chunk; `undefined` at the end. The watchdog runs only while the other side is to move. */
  async #read(
    reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>,
  ): Promise<Uint8Array<ArrayBuffer> | undefined> {
    let bytes = 0;
    this.#watchdog.start();
    try {
      const { value } = await reader.read();
      bytes = value?.length ?? 0;
      return value;
    } finally {
      this.#watchdog.stop(bytes);
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
    const bytes = new Uint8Array(size);
    let at = 0;
    for (const part of parts) {
      bytes.set(part, at);
      at += part.length;
    }
    return { bytes, complete };
  }

  /** Gives the body up, keeping the connection if what is left is short. Never fails. */
  async discard(): Promise<void> {
    if (this.#body === null || this.#body.locked) return;
    try {
      if ((this.contentLength ?? Infinity) <= DRAIN_BYTES) await this.head(DRAIN_BYTES);
      else await this.#body.cancel();
    } catch {
      // The connection is gone, which is all that giving up wants.
    }
  }
}

/**
 * Sends one request and waits for the head of the response.
 *
 * @throws whatever `fetch` throws, the signal's reason, or a {@linkcode SilenceError} if the other side
 * is silent for too long.
 */
export async function exchange(fetch: Fetch, request: HttpRequest): Promise<HttpResponse> {
  const { method, url, headers, body, signal } = request;
  const stalled = new AbortController();
  const watchdog = new Watchdog(stalled, request);
  watchdog.start((body?.length ?? 0) / MIN_UPLOAD_RATE * 1000);
  try {
    const response = await fetch(url.href, {
      method,
      headers: { "Accept-Encoding": "identity", ...headers },
      ...(body === undefined ? {} : { body }),
      redirect: "manual",
      signal: signal === undefined ? stalled.signal : AbortSignal.any([stalled.signal, signal]),
    });
    return new HttpResponse(response, request, watchdog);
  } finally {
    watchdog.stop(MIN_PROGRESS_BYTES);
  }
}
