/**
 * The only code that sends requests to a registry: it handles authentication, redirects, retries, timeouts
 * and errors. Each endpoint is a small function in a separate file that defines the request and the accepted
 * responses.
 * @module
 */
import { MiseOciError } from "../errors.ts";
import { type AuthBudget, Authenticator, type Scope } from "./auth.ts";
import { Connector, type Env } from "./connect.ts";
import type { CredentialsProvider } from "./credentials_type.ts";
import { networkFailure, responseError } from "./failure.ts";
import { registryUrl, showUrl } from "./host.ts";
import { exchange, type Fetch, type HttpRequest, type HttpResponse } from "./http.ts";
import { Attempts, type Clock, maybeRetryAfter, systemClock } from "./retry.ts";
import type { SizedBody } from "./sized_body.ts";
import { overTls, resolveTarget, speaksTls } from "./url_policy.ts";

/** Prefixes an error with the attempted action. */
function withAction(error: MiseOciError, action: string): MiseOciError {
  if (error.message.startsWith("Cannot ") || error.message.startsWith("Refusing ")) return error;
  return new MiseOciError(error.code, `Cannot ${action}: ${error.message}`, {
    cause: error,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
  });
}

/** The error for a body that is too long. */
export function tooLong(response: HttpResponse, limit: number): MiseOciError {
  const { method, url } = response.request;
  return new MiseOciError(
    "invalid",
    `${method} ${showUrl(url)} answered with more than ${limit} bytes`,
    { hint: "No valid manifest or config is as long; check the reference" },
  );
}

/** Options of {@linkcode createRegistryClient}. */
export interface RegistryClientOptions {
  /** `host[:port]` as in a parsed reference; `docker.io` for Docker Hub. */
  readonly registry: string;
  /** Allows plain http for a host that is not loopback (`oci.insecure_registries`). */
  readonly insecure: boolean;
  /** Finds the registry's credentials; default: anonymous. */
  readonly credentials?: CredentialsProvider;
  /** Additional certificate authorities to trust, PEM; see `loadCaCerts`. */
  readonly caCerts?: readonly string[];
  /** Reads the proxy variables and `MISE_OCI_TRUSTED_REALMS`; default: nothing is set. */
  readonly env?: Env;
  /** The clock; default: the machine's. */
  readonly clock?: Clock;
  /** Maximum idle time of the registry, in milliseconds; default 30,000. */
  readonly idleTimeoutMs?: number;
  /** `User-Agent`; default `mise-oci`. */
  readonly userAgent?: string;
  /** Aborts all requests of the client, which fail with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Called with details: each request (2), each wait (1). Never a secret. */
  readonly log?: (level: 1 | 2, text: string) => void;
  /** Called with warnings for the user. */
  readonly warn?: (text: string) => void;
  /** For tests: replaces the network. */
  readonly fetch?: Fetch;
  /** For tests: jitter, a number from 0 to 1. */
  readonly random?: () => number;
}

/** One request to a registry. */
export interface RegistryRequest {
  /** The action in messages: `fetch manifest of "debian:12"`, after `Cannot`. */
  readonly action: string;
  /** Method. */
  readonly method: "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Path from the registry's root, encoded, or an absolute URL returned by `RegistryClient.resolve`. */
  readonly url: string | URL;
  /** The required access, least first. Empty for the registry's root. */
  readonly scopes: readonly Scope[];
  /** Accepted statuses; any other is an error. */
  readonly accept: readonly number[];
  /** Header fields in addition to the transport's own. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Body. */
  readonly body?: Uint8Array<ArrayBuffer> | SizedBody;
  /**
   * `idempotent` (default): retried after 408, 429, 5xx and network failures. `refused`: only after 429,
   * which means that nothing was done. `never`: not retried.
   */
  readonly retry?: "idempotent" | "refused" | "never";
  /** Maximum idle time for this request, if the registry needs long to respond. */
  readonly idleTimeoutMs?: number;
  /** Aborts this request. */
  readonly signal?: AbortSignal | undefined;
  /** Sends the request even if the client's own signal is aborted: for clean-up. */
  readonly detached?: boolean;
}

/** A client of one registry. */
export interface RegistryClient {
  /** The registry, as the user wrote it. */
  readonly registry: string;
  /** Its root URL. */
  readonly url: URL;
  /** Called with warnings for the user. */
  readonly warn: (text: string) => void;
  /** Called with details: each request (2), each wait (1). */
  readonly log: (level: 1 | 2, text: string) => void;
  /**
   * Sends a request. The response's body must be read or discarded.
   *
   * @throws {MiseOciError} naming the action, URL, status and the registry's own message: `auth`,
   * `not-found`, `registry`, `network`.
   */
  send(request: RegistryRequest): Promise<HttpResponse>;
  /**
   * Sends a request and returns its whole body. @throws {MiseOciError} `invalid` if it is longer than
   * `limit`.
   */
  read(request: RegistryRequest, limit: number): Promise<RegistryAnswer>;
  /** Counts and delays the attempts of a step with several requests, such as a resumed download. */
  attempts(signal?: AbortSignal): Attempts;
  /**
   * Checks a `Location` sent by the registry. @throws {MiseOciError} `registry` if it may not be followed.
   */
  resolve(location: string, from: URL): URL;
  /** Closes all connections. */
  close(): void;
}

/** A response with its complete body. */
export interface RegistryAnswer {
  /** Status code. */
  readonly status: number;
  /** Header fields. */
  readonly headers: Headers;
  /** The raw body. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

const MAX_REDIRECTS = 10;
const REDIRECTS: readonly number[] = [301, 302, 303, 307, 308];
/**
 * Number of attempts after a refused connection, if the registry has responded before: it may be restarting.
 */
const ATTEMPTS_WHILE_AWAY = 7;
const TRANSIENT: readonly number[] = [408, 429, 500, 502, 503, 504];

/** Creates a client. Nothing is sent before the first request. */
export function createRegistryClient(options: RegistryClientOptions): RegistryClient {
  return new Transport(options);
}

class Transport implements RegistryClient {
  readonly registry: string;
  url: URL;
  readonly warn: (text: string) => void;
  readonly log: (level: 1 | 2, text: string) => void;
  readonly #options: RegistryClientOptions;
  readonly #clock: Clock;
  readonly #connector: Connector;
  readonly #fetch: Fetch;
  #auth: Authenticator;
  readonly #userAgent: string;
  /** Whether it has been checked that a plain http registry does not use TLS. */
  #probed = false;
  /** Whether the registry has responded before, so that it exists and is only temporarily unavailable. */
  #answered = false;

  constructor(options: RegistryClientOptions) {
    const env = options.env ?? ((): undefined => undefined);
    this.#options = options;
    this.registry = options.registry;
    this.url = registryUrl(options.registry, options);
    this.warn = options.warn ?? ((): void => {});
    this.log = options.log ?? ((): void => {});
    this.#clock = options.clock ?? systemClock;
    this.#userAgent = options.userAgent ?? "mise-oci";
    this.#connector = new Connector({ env, caCerts: options.caCerts ?? [] });
    this.#fetch = options.fetch ?? this.#connector.fetch;
    this.#auth = this.#authenticator();
  }

  async send(request: RegistryRequest): Promise<HttpResponse> {
    return await this.#run(request, (response) => Promise.resolve(response));
  }

  async read(request: RegistryRequest, limit: number): Promise<RegistryAnswer> {
    return await this.#run(request, async (response) => {
      const { status, headers } = response;
      if ((response.contentLength ?? 0) > limit && request.method !== "HEAD") {
        await response.discard();
        throw tooLong(response, limit);
      }
      const { bytes, complete } = await response.head(limit);
      if (!complete) throw tooLong(response, limit);
      return { status, headers, bytes };
    });
  }

  attempts(signal?: AbortSignal): Attempts {
    const both = this.#signal(signal);
    return new Attempts({
      clock: this.#clock,
      log: (text) => this.log(1, text),
      ...(both === undefined ? {} : { signal: both }),
      ...(this.#options.random === undefined ? {} : { random: this.#options.random }),
    });
  }

  resolve(location: string, from: URL): URL {
    return resolveTarget(location, { registry: this.url, from, what: "upload location" });
  }

  close(): void {
    this.#connector.close();
  }

  #authenticator(): Authenticator {
    const { env, credentials, signal, random } = this.#options;
    return new Authenticator({
      registry: this.registry,
      url: this.url,
      credentials: credentials ?? ((): Promise<undefined> => Promise.resolve(undefined)),
      trustedRealms: (env?.("MISE_OCI_TRUSTED_REALMS") ?? "").split(/[\s,]+/).filter(Boolean),
      fetch: this.#fetch,
      clock: this.#clock,
      idleTimeoutMs: this.#idle(),
      userAgent: this.#userAgent,
      signal,
      random,
      warn: this.warn,
    });
  }

  #idle(): number {
    return this.#options.idleTimeoutMs ?? 30_000;
  }

  #signal(own: AbortSignal | undefined): AbortSignal | undefined {
    const { signal } = this.#options;
    if (own === undefined || signal === undefined) return own ?? signal;
    return AbortSignal.any([own, signal]);
  }

  /** Attempts the request until `use` accepts the response. */
  async #run<T>(
    request: RegistryRequest,
    use: (response: HttpResponse) => Promise<T>,
  ): Promise<T> {
    const signal = request.detached ? request.signal : this.#signal(request.signal);
    const attempts = this.attempts(request.signal);
    const budget: AuthBudget = { fetches: 0 };
    const retry = request.retry ?? "idempotent";
    try {
      for (;;) {
        signal?.throwIfAborted();
        const http = this.#httpRequest(request, signal);
        try {
          const response = await this.#follow(request, http, budget);
          const { status } = response;
          if (request.accept.includes(status)) return await use(response);
          const retryAfterMs = maybeRetryAfter(response.headers, this.#clock.now());
          const error = await responseError(response, {
            registry: this.registry,
            origin: this.url.origin,
          });
          const again = retry === "idempotent" ? TRANSIENT.includes(status) : status === 429;
          if (!again || retry === "never") throw error;
          await attempts.again({ error, retryAfterMs });
        } catch (thrown) {
          const failure = networkFailure(thrown);
          if (retry !== "idempotent") throw failure.error;
          const away = this.#answered && failure.refused;
          const limit = away ? ATTEMPTS_WHILE_AWAY : failure.limit;
          await attempts.again({ ...failure, limit });
        }
      }
    } catch (thrown) {
      throw thrown instanceof MiseOciError && thrown !== signal?.reason
        ? withAction(thrown, request.action)
        : thrown;
    }
  }

  #httpRequest(request: RegistryRequest, signal: AbortSignal | undefined): HttpRequest {
    return {
      method: request.method,
      url: typeof request.url === "string" ? new URL(request.url, this.url) : request.url,
      headers: { "User-Agent": this.#userAgent, ...request.headers },
      body: request.body,
      idleTimeoutMs: request.idleTimeoutMs ?? this.#idle(),
      signal,
    };
  }

  /** Sends the request, answers challenges and follows redirects. */
  async #follow(
    request: RegistryRequest,
    first: HttpRequest,
    budget: AuthBudget,
  ): Promise<HttpResponse> {
    let http = first;
    const seen = new Set<string>();
    for (;;) {
      const own = http.url.origin === this.url.origin;
      const sent = own ? await this.#auth.header(request.scopes, budget) : undefined;
      const response = await this.#exchange(http, sent);
      if (response.status === 400 && own && await this.#turnsOutToSpeakTls()) {
        await response.discard();
        http = { ...http, url: overTls(http.url) };
        continue;
      }
      if (response.status === 401 && own) {
        await this.#auth.answer(response, { scopes: request.scopes, sent, budget });
        continue;
      }
      const location = this.#redirect(request, response);
      if (location === undefined) return response;
      await response.discard();
      const url = resolveTarget(location, { registry: this.url, from: http.url, what: "redirect" });
      if (seen.has(url.href) || seen.size >= MAX_REDIRECTS) {
        const why = seen.has(url.href) ? "they go round in a circle" : `more than ${MAX_REDIRECTS}`;
        throw new MiseOciError(
          "registry",
          `${http.method} ${showUrl(first.url)} redirects without end: ${why}`,
          { hint: "The registry is set up wrongly; tell its administrator" },
        );
      }
      seen.add(url.href);
      http = { ...http, url };
    }
  }

  /**
   * A loopback registry is expected to use plain http. One that uses TLS responds to it with 400, and is used
   * over TLS from then on, with its certificate verified.
   */
  async #turnsOutToSpeakTls(): Promise<boolean> {
    if (this.#probed || this.#options.insecure || this.url.protocol !== "http:") return false;
    this.#probed = true;
    const signal = this.#signal(undefined);
    if (!await speaksTls(this.#fetch, this.url, signal)) return false;
    this.log(1, `Registry "${this.registry}" speaks TLS`);
    this.url = overTls(this.url);
    this.#auth = this.#authenticator();
    return true;
  }

  /**
   * The target of a redirect that may be followed; a body is resent only for statuses that preserve the
   * method.
   */
  #redirect(request: RegistryRequest, response: HttpResponse): string | undefined {
    const { status, headers } = response;
    if (!REDIRECTS.includes(status) || request.accept.includes(status)) return undefined;
    const safe = request.method === "GET" || request.method === "HEAD";
    return safe || status === 307 || status === 308
      ? headers.get("location") ?? undefined
      : undefined;
  }

  async #exchange(http: HttpRequest, authorization: string | undefined): Promise<HttpResponse> {
    const started = performance.now();
    const response = await exchange(this.#fetch, {
      ...http,
      headers: {
        ...http.headers,
        ...(authorization === undefined ? {} : { Authorization: authorization }),
      },
    });
    const own = http.url.origin === this.url.origin;
    this.#answered ||= own;
    // A server that responds to plain http with another status uses it.
    this.#probed ||= own && response.status !== 400;
    const ms = Math.round(performance.now() - started);
    this.log(2, `${http.method} ${showUrl(http.url)} ${response.status} (${ms} ms)`);
    return response;
  }
}
