/**
 * What can go wrong on the wire, as data.
 * @module
 */
import type { Reply, ServerRequest } from "./exchange.ts";

/** One fault. Those of the body apply to the reply that would have been sent. */
export type Fault =
  /** Another answer instead; nothing is done. */
  | {
    readonly kind: "status";
    readonly status: number;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: string | Uint8Array;
  }
  /** A redirect instead. */
  | { readonly kind: "redirect"; readonly status: number; readonly url: string }
  /** Any answer instead; `undefined` for the usual one. */
  | {
    readonly kind: "respond";
    readonly respond: (request: ServerRequest) => Reply | undefined | Promise<Reply | undefined>;
  }
  /** Changes the answer that the registry gives. */
  | { readonly kind: "rewrite"; readonly rewrite: (reply: Reply, request: ServerRequest) => Reply }
  /** Sets (or, with `undefined`, drops) header fields of the answer. */
  | { readonly kind: "headers"; readonly set: Readonly<Record<string, string | undefined>> }
  /** Waits before the answer. */
  | { readonly kind: "delay"; readonly ms: number }
  /** Sends so many bytes of the body, then nothing more; `head` false: not even the head. */
  | { readonly kind: "stallAfter"; readonly bytes: number; readonly head?: boolean }
  /** Sends one byte of the body every so many milliseconds. */
  | { readonly kind: "drip"; readonly everyMs: number }
  /** Closes the connection after so many bytes of the body, fewer than `Content-Length` says. */
  | { readonly kind: "closeAfter"; readonly bytes: number }
  /** Closes before any byte of the answer. */
  | { readonly kind: "closeBefore" }
  /** Leaves `Content-Length` away and ends cleanly after so many bytes. */
  | { readonly kind: "truncateSilently"; readonly bytes: number }
  /** Sends so many bytes chunked and closes without the last chunk. */
  | { readonly kind: "truncateChunked"; readonly bytes: number }
  /** Inverts one byte of the body. */
  | { readonly kind: "wrongBytes"; readonly at: number }
  /** Appends bytes; `Infinity` for an endless body without `Content-Length`. */
  | { readonly kind: "extraBytes"; readonly count: number }
  /** Reads so many bytes of the request's body and closes; `keep` hands them to the registry before. */
  | { readonly kind: "cutRequest"; readonly bytes: number; readonly keep: boolean };

/** When a fault happens. */
export interface FaultRule {
  /** Method; default: any. */
  readonly method?: string;
  /** Matches path and query, as sent; default: any. */
  readonly path?: RegExp;
  /** Any other condition. */
  readonly when?: (request: ServerRequest) => boolean;
  /** The first matching request that it happens to, from 1. Default 1. */
  readonly nth?: number;
  /** How many matching requests it happens to from there. Default 1; `Infinity` for all. */
  readonly times?: number;
  /** What happens; several apply in order. */
  readonly fault: Fault | readonly Fault[];
}

/** The script of a server: rules, the first that applies counts. */
export class FaultScript {
  readonly #rules: { readonly rule: FaultRule; seen: number }[] = [];

  /** Adds a rule after the others. */
  add(rule: FaultRule): void {
    this.#rules.push({ rule, seen: 0 });
  }

  /** Forgets all rules. */
  clear(): void {
    this.#rules.length = 0;
  }

  /** The faults of a request. Each rule counts the requests that it matches. */
  next(request: ServerRequest): readonly Fault[] {
    let chosen: readonly Fault[] | undefined;
    for (const entry of this.#rules) {
      const { method, path, when, nth = 1, times = 1, fault } = entry.rule;
      if (method !== undefined && method !== request.method) continue;
      if (path !== undefined && !path.test(request.target)) continue;
      if (when !== undefined && !when(request)) continue;
      if (chosen !== undefined) continue;
      entry.seen++;
      if (entry.seen < nth || entry.seen >= nth + times) continue;
      chosen = Array.isArray(fault) ? fault as readonly Fault[] : [fault as Fault];
    }
    return chosen ?? [];
  }
}
