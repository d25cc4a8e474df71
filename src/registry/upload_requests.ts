/**
 * The requests of a blob upload (distribution-spec, "Pushing blobs"): start a session or mount a blob
 * (`POST`), send a chunk (`PATCH`), get the status (`GET`), complete (`PUT`), cancel (`DELETE`).
 * @module
 */
import { MiseOciError } from "../errors.ts";
import type { HttpResponse } from "./http.ts";
import type { SizedBody } from "./sized_body.ts";
import type { RegistryClient } from "./transport.ts";
import {
  type BlobTarget,
  connectionProblem,
  maybeStoredBytes,
  PROBLEM_STATUSES,
  pushScope,
  readSession,
  uploadAction,
  type UploadProblem,
  uploadProblem,
  type UploadSession,
  withParameter,
} from "./upload_session.ts";

/** Starts an upload. @throws {MiseOciError} `auth` if the user may not push there, `registry`, `network`. */
export async function startUpload(
  client: RegistryClient,
  target: BlobTarget,
): Promise<UploadSession> {
  const response = await client.send({
    action: uploadAction(client, target),
    method: "POST",
    url: `/v2/${target.repository}/blobs/uploads/`,
    scopes: [pushScope(target.repository)],
    accept: [202, 201, 200],
    signal: target.signal,
  });
  await response.discard();
  return readSession(client, response);
}

/** Result of {@linkcode mountBlob}. */
export type MountResult =
  | { readonly kind: "mounted" }
  /** The registry started an upload instead. */
  | { readonly kind: "session"; readonly session: UploadSession }
  /** The registry does not support mounts, or not for this user. */
  | { readonly kind: "refused" };

/** Requests a mount. A refusal is a result and not an error, because the blob can always be uploaded. */
export async function mountBlob(
  client: RegistryClient,
  target: BlobTarget & { readonly from: string },
): Promise<MountResult> {
  const { repository, digest, from, signal } = target;
  try {
    const response = await client.send({
      action: uploadAction(client, target),
      method: "POST",
      url: `/v2/${repository}/blobs/uploads/?mount=${encodeURIComponent(digest)}` +
        `&from=${encodeURIComponent(from)}`,
      scopes: [pushScope(repository), { repository: from, actions: ["pull"] }],
      accept: [201, 202, 400, 404, 405],
      signal,
    });
    await response.discard();
    if (response.status === 201) return { kind: "mounted" };
    if (response.status === 202) return { kind: "session", session: readSession(client, response) };
    client.log(2, `Registry does not mount from "${from}": ${response.status}`);
  } catch (error) {
    // The upload itself will show whether the user may push at all.
    if (!(error instanceof MiseOciError) || error.code !== "auth") throw error;
    client.log(2, `Registry does not mount from "${from}": ${error.message}`);
  }
  return { kind: "refused" };
}

/** A chunk of a blob. */
export interface Chunk {
  /** The bytes. */
  readonly body: SizedBody;
  /** Their offset in the blob. */
  readonly start: number;
}

/** Result of {@linkcode patchUpload}. */
export type PatchResult =
  | {
    readonly kind: "stored";
    /** URL of the next request. */
    readonly session: UploadSession;
    /** Number of bytes of the blob that the registry reports; `undefined` if it does not report it. */
    readonly stored: number | undefined;
  }
  | UploadProblem;

/**
 * Sends a chunk. It is retried only if the registry certainly did not store it (an expired token, 429, a
 * redirect); otherwise the caller must request the stored length first.
 */
export async function patchUpload(
  client: RegistryClient,
  session: UploadSession,
  chunk: Chunk & BlobTarget,
): Promise<PatchResult> {
  const { body, start, repository, signal } = chunk;
  let response: HttpResponse;
  try {
    response = await client.send({
      action: uploadAction(client, chunk),
      method: "PATCH",
      url: session.url,
      scopes: [pushScope(repository)],
      accept: [202, 201, 204, ...PROBLEM_STATUSES],
      headers: {
        "Content-Type": "application/octet-stream",
        "Content-Range": `${start}-${start + body.size - 1}`,
      },
      body,
      retry: "refused",
      signal,
    });
  } catch (thrown) {
    return connectionProblem(thrown);
  }
  if (PROBLEM_STATUSES.includes(response.status)) {
    return await uploadProblem(client, chunk, response);
  }
  await response.discard();
  return {
    kind: "stored",
    session: readSession(client, response, session),
    stored: maybeStoredBytes(response.headers),
  };
}

/** The progress of an upload. */
export interface UploadStatus {
  /** URL of the next request. */
  readonly session: UploadSession;
  /** Number of bytes stored. */
  readonly stored: number;
}

/**
 * Requests the state of an upload; `undefined` if the session does not exist or the registry does not
 * report the stored length: in both cases the upload must start again.
 *
 * @throws {MiseOciError} `network` or `registry` if the registry does not respond after several attempts.
 */
export async function maybeUploadStatus(
  client: RegistryClient,
  session: UploadSession,
  target: BlobTarget,
): Promise<UploadStatus | undefined> {
  const response = await client.send({
    action: uploadAction(client, target),
    method: "GET",
    url: session.url,
    scopes: [pushScope(target.repository)],
    accept: [204, 200, 202, 400, 404, 405, 416],
    signal: target.signal,
  });
  await response.discard();
  if (response.status >= 400) return undefined;
  const stored = maybeStoredBytes(response.headers);
  return stored === undefined
    ? undefined
    : { session: readSession(client, response, session), stored };
}

/** The result; `unconfirmed` if the response is successful but not the specified one. */
export type FinishResult = { readonly kind: "created" | "unconfirmed" } | UploadProblem;

/** Input of {@linkcode finishUpload}. */
export interface FinishOptions extends BlobTarget {
  /** The whole blob, or nothing if it was sent in chunks. */
  readonly body?: SizedBody | undefined;
  /** Size of the blob: a registry may have to read all of it again before it responds. */
  readonly size: number;
}

/** The minimum speed at which a registry checks a blob, in bytes per millisecond. */
const MIN_CHECK_RATE = 5_000;
/**
 * The time limit of a check without the time for its size, in milliseconds; small blobs have the
 * transport's limit.
 */
const CHECK_TIME_MS = 60_000;
const SMALL_BLOB = 32 * 1024 * 1024;

/** Completes an upload. */
export async function finishUpload(
  client: RegistryClient,
  session: UploadSession,
  options: FinishOptions,
): Promise<FinishResult> {
  const { repository, digest, body = new Uint8Array(0), size, signal } = options;
  let response: HttpResponse;
  try {
    response = await client.send({
      action: uploadAction(client, options),
      method: "PUT",
      url: withParameter(session.url, "digest", digest),
      scopes: [pushScope(repository)],
      accept: [201, 200, 202, 204, ...PROBLEM_STATUSES],
      headers: { "Content-Type": "application/octet-stream" },
      body,
      retry: "refused",
      ...(size < SMALL_BLOB ? {} : { idleTimeoutMs: CHECK_TIME_MS + size / MIN_CHECK_RATE }),
      signal,
    });
  } catch (thrown) {
    return connectionProblem(thrown);
  }
  if (PROBLEM_STATUSES.includes(response.status)) {
    return await uploadProblem(client, options, response);
  }
  await response.discard();
  return { kind: response.status === 201 ? "created" : "unconfirmed" };
}

/** Time limit of the cancellation, in milliseconds. */
const TIMEOUT_MS = 3_000;

/**
 * Tells the registry to discard a partial blob, also after the push was interrupted. Never fails: registries
 * eventually remove unfinished uploads.
 */
export async function cancelUpload(
  client: RegistryClient,
  session: UploadSession,
  target: BlobTarget,
): Promise<void> {
  const timeout = new AbortController();
  const timer = setTimeout(() => timeout.abort(), TIMEOUT_MS);
  try {
    const response = await client.send({
      action: uploadAction(client, target),
      method: "DELETE",
      url: session.url,
      scopes: [pushScope(target.repository)],
      accept: [204, 200, 202, 400, 404, 405],
      retry: "never",
      signal: timeout.signal,
      detached: true,
    });
    await response.discard();
  } catch {
    client.log(2, `Cannot cancel the upload of blob ${target.digest}`);
  } finally {
    clearTimeout(timer);
  }
}
