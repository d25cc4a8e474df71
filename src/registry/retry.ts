/**
 * When a request is retried, and how long to wait before that.
 * @module
 */
import { MiseOciError } from "../errors.ts";

/** A clock, so that tests need not wait. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Resolves after `ms` milliseconds; rejects with the signal's reason as soon as it is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** The clock of the machine. */
export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const onAbort = (): void => {
        clearTimeout(timer);
        reject(signal?.reason);
      };
      const timer = setTimeout(() => {
        signal?.removeEventListener("abort", onAbort);
        resolve();
      }, ms);
      signal?.addEventListener("abort", onAbort, { once: true });
    }),
};

/** Maximum number of attempts of one step, including the first. */
export const MAX_ATTEMPTS = 5;
/** The longest wait that a registry may request, in milliseconds. */
const MAX_WAIT_MS = 60_000;
const FIRST_BACKOFF_MS = 500;
const MAX_BACKOFF_MS = 20_000;

/**
 * The wait that a `Retry-After` header requests, in milliseconds (RFC 9110, 10.2.3): seconds, or a date,
 * which is compared with the server's own `Date` if it sends one, because clocks differ. `undefined` for a
 * missing or malformed header.
 */
export function maybeRetryAfter(headers: Headers, now: number): number | undefined {
  const value = headers.get("retry-after")?.trim();
  if (value === undefined || value === "") return undefined;
  if (/^\d{1,15}$/.test(value)) return Number(value) * 1000;
  if (!/^[A-Za-z]{3},? /.test(value)) return undefined;
  const until = Date.parse(value);
  const server = Date.parse(headers.get("date") ?? "");
  return Number.isNaN(until)
    ? undefined
    : Math.max(0, until - (Number.isNaN(server) ? now : server));
}

/** What {@linkcode Attempts} needs. */
export interface AttemptsOptions {
  /** The clock. */
  readonly clock: Clock;
  /** Aborts a wait. */
  readonly signal?: AbortSignal;
  /** A number from 0 to 1 for the jitter; default `Math.random`. */
  readonly random?: () => number;
  /** Called for each wait. */
  readonly log?: (text: string) => void;
}

/** One failed attempt. */
export interface FailedAttempt {
  /** The error to throw if there are no more attempts. */
  readonly error: MiseOciError;
  /** The wait that the registry requested, in milliseconds. */
  readonly retryAfterMs?: number | undefined;
  /** Maximum number of attempts; default {@linkcode MAX_ATTEMPTS}. */
  readonly limit?: number;
}

/** Counts the attempts of one step and waits between them, with exponential backoff and jitter. */
export class Attempts {
  #failed = 0;
  readonly #options: AttemptsOptions;

  /** Starts with the first attempt. */
  constructor(options: AttemptsOptions) {
    this.#options = options;
  }

  /** Resets the count of failures, because the step has made progress. */
  reset(): void {
    this.#failed = 0;
  }

  /**
   * Waits until the step may be retried.
   *
   * @throws {MiseOciError} the attempt's error when it was the last one, or one that names the wait if the
   * registry requests more than a minute.
   */
  async again(attempt: FailedAttempt): Promise<void> {
    const { clock, signal, random = Math.random, log } = this.#options;
    const { error, retryAfterMs = 0, limit = MAX_ATTEMPTS } = attempt;
    this.#failed++;
    if (retryAfterMs > MAX_WAIT_MS) {
      const seconds = Math.ceil(retryAfterMs / 1000);
      throw new MiseOciError(
        error.code,
        `${error.message}; the registry asks to wait ${seconds} s before the next request`,
        { hint: "Try again later, or log in: registries allow more to known users", cause: error },
      );
    }
    if (this.#failed >= limit) throw error;
    const backoff = Math.min(FIRST_BACKOFF_MS * 2 ** (this.#failed - 1), MAX_BACKOFF_MS);
    const wait = Math.max(retryAfterMs, backoff * (0.5 + random() / 2));
    log?.(`${error.message}; trying again in ${(wait / 1000).toFixed(1)} s`);
    await clock.sleep(wait, signal);
  }
}
