/**
 * Requests and answers as the servers of the tests see them.
 * @module
 */

/** A request as it came in. */
export interface ServerRequest {
  /** Method. */
  readonly method: string;
  /** Path and query, or what else stood in the request line. */
  readonly target: string;
  /** Path. */
  readonly path: string;
  /** Query. */
  readonly query: URLSearchParams;
  /** Header fields. */
  readonly headers: Headers;
  /** Body; empty while faults are chosen. */
  readonly body: Uint8Array<ArrayBuffer>;
}

/** An answer. */
export interface Reply {
  /** Status code. */
  readonly status: number;
  /** Header fields; `Content-Length` is added. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Body. */
  readonly body?: Uint8Array | string;
}

/** One line of the request log. */
export interface LoggedRequest {
  /** Port it came in on. */
  readonly port: number;
  /** Method. */
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  /** Path. */
  readonly path: string;
  /** Every header field. */
  readonly headers: Headers;
  /** `Authorization`, whole. */
  readonly authorization: string | undefined;
  /** Length of the body read. */
  readonly bodySize: number;
  /** Hex SHA-256 of the body read. */
  readonly bodyHash: string;
  /** Status answered; 0 if none was. */
  status: number;
  /** Bytes of the body sent. */
  sent: number;
}

/** Joins byte arrays. */
export function concat(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
