/**
 * `PATCH <session>`: sends the next chunk.
 * @module
 */
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
} from "./upload_session.ts";

/** A chunk of a blob. */
export interface Chunk {
  /** The bytes. */
  readonly body: SizedBody;
  /** Their offset in the blob. */
  readonly start: number;
}

/** What came of a chunk. */
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
 * Sends a chunk. It is not sent again here unless the registry certainly did not store it (an expired token,
 * 429, a redirect): otherwise the stored length must be requested first.
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
