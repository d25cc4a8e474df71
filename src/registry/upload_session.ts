/**
 * The common part of the upload endpoints: the session, and parsing its responses (distribution-spec,
 * "Pushing blobs").
 * @module
 */
import { MiseOciError } from "../errors.ts";
import { type Digest, shortDigest } from "../oci/mod.ts";
import type { Scope } from "./auth.ts";
import { responseError } from "./failure.ts";
import type { HttpResponse } from "./http.ts";
import { maybeRetryAfter } from "./retry.ts";
import type { RegistryClient } from "./transport.ts";

/** A blob to upload to a repository. */
export interface BlobTarget {
  /** Repository. */
  readonly repository: string;
  /** Digest of the blob. */
  readonly digest: Digest;
  /** Aborts the request. */
  readonly signal?: AbortSignal | undefined;
}

/** An upload that the registry has started. */
export interface UploadSession {
  /** URL of the next request; every response may change it. */
  readonly url: URL;
  /** Minimum length of a chunk, other than the last, that the registry accepts (`OCI-Chunk-Min-Length`). */
  readonly minChunkBytes: number;
}

/**
 * Why a step of an upload did not succeed:
 *
 * - `gone`: the session does not exist (any more);
 * - `too-large`: the body is longer than the registry accepts;
 * - `out-of-range`: it expected other bytes, or the body is too long: registries use 416 for both;
 * - `invalid`: it refuses the request as malformed;
 * - `failed`: a temporary error of the registry, or a broken connection.
 */
export interface UploadProblem {
  /** The kind of problem. */
  readonly kind: "gone" | "too-large" | "out-of-range" | "invalid" | "failed";
  /** The error to throw if the upload cannot continue. */
  readonly error: MiseOciError;
  /** The wait that the registry requests, in milliseconds. */
  readonly retryAfterMs?: number | undefined;
}

const PROBLEMS: ReadonlyMap<number, UploadProblem["kind"]> = new Map([
  [400, "invalid"],
  [404, "gone"],
  [408, "failed"],
  [413, "too-large"],
  [416, "out-of-range"],
  [500, "failed"],
  [502, "failed"],
  [503, "failed"],
  [504, "failed"],
]);

/** The statuses that {@linkcode uploadProblem} handles. */
export const PROBLEM_STATUSES: readonly number[] = [...PROBLEMS.keys()];

/** The access that an upload needs. */
export function pushScope(repository: string): Scope {
  return { repository, actions: ["pull", "push"] };
}

/** The attempted action in the errors of an upload. */
export function uploadAction(client: RegistryClient, target: BlobTarget): string {
  return `upload blob ${shortDigest(target.digest)} to "${client.registry}/${target.repository}"`;
}

/** The problem for a status of {@linkcode PROBLEM_STATUSES}. Reads the body. */
export async function uploadProblem(
  client: RegistryClient,
  target: BlobTarget,
  response: HttpResponse,
): Promise<UploadProblem> {
  const { code, message, hint } = await responseError(response, { registry: client.registry });
  const error = new MiseOciError(
    code === "not-found" ? "registry" : code,
    `Cannot ${uploadAction(client, target)}: ${message}`,
    hint === undefined || code === "not-found" ? {} : { hint },
  );
  return {
    kind: PROBLEMS.get(response.status) ?? "failed",
    error,
    retryAfterMs: maybeRetryAfter(response.headers, Date.now()),
  };
}

/** The problem for a broken connection. @throws any other error unchanged. */
export function connectionProblem(thrown: unknown): UploadProblem {
  if (thrown instanceof MiseOciError && thrown.code === "network") {
    return { kind: "failed", error: thrown };
  }
  throw thrown;
}

/**
 * Reads the next URL of the session.
 *
 * @throws {MiseOciError} `registry` if the response has no location and there was none before, or one that
 * may not be followed.
 */
export function readSession(
  client: RegistryClient,
  response: HttpResponse,
  previous?: UploadSession,
): UploadSession {
  const { headers, request } = response;
  const location = headers.get("location");
  const min = headers.get("oci-chunk-min-length") ?? "";
  if (location === null && previous === undefined) {
    throw new MiseOciError(
      "registry",
      `${request.method} ${request.url.pathname} answered ${response.status} without a Location`,
      { hint: "The registry does not follow the distribution specification" },
    );
  }
  return {
    url: location === null ? previous?.url ?? request.url : client.resolve(location, request.url),
    minChunkBytes: /^\d{1,10}$/.test(min) ? Number(min) : previous?.minChunkBytes ?? 0,
  };
}

/** The URL of a session with an additional parameter. */
export function withParameter(url: URL, name: string, value: string): URL {
  const changed = new URL(url);
  // Appended, not set: URLSearchParams would rewrite the rest, which may be signed.
  changed.search = `${url.search === "" ? "?" : `${url.search}&`}${name}=${
    encodeURIComponent(value)
  }`;
  return changed;
}

/**
 * The number of stored bytes from a `Range` header: `0-99` means 100. `undefined` if it is missing or
 * malformed. `0-0`, which a new session returns, means 0.
 */
export function maybeStoredBytes(headers: Headers): number | undefined {
  const match = /^(?:bytes[ =])?(\d{1,15})-(\d{1,15})$/.exec(headers.get("range")?.trim() ?? "");
  if (match === null) return undefined;
  const end = Number(match[2]);
  return end === 0 ? 0 : end + 1;
}
