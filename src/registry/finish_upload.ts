/**
 * `PUT <session>?digest=<digest>`: sends the rest of a blob, if any, and completes it.
 * @module
 */
import type { HttpResponse } from "./http.ts";
import type { SizedBody } from "./sized_body.ts";
import type { RegistryClient } from "./transport.ts";
import {
  type BlobTarget,
  connectionProblem,
  PROBLEM_STATUSES,
  pushScope,
  uploadAction,
  type UploadProblem,
  uploadProblem,
  type UploadSession,
  withParameter,
} from "./upload_session.ts";

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
/** The maximum time, in milliseconds; for small blobs the transport's own limit applies. */
const CHECK_TIME_MS = 60_000;
const SMALL_BLOB = 32 * 1024 * 1024;

/** Ends an upload. */
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
