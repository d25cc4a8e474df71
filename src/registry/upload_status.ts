/**
 * `GET <session>`: how much of an upload the registry has.
 * @module
 */
import type { RegistryClient } from "./transport.ts";
import {
  type BlobTarget,
  maybeStoredBytes,
  pushScope,
  readSession,
  uploadAction,
  type UploadSession,
} from "./upload_session.ts";

/** The progress of an upload. */
export interface UploadStatus {
  /** URL of the next request. */
  readonly session: UploadSession;
  /** Number of bytes stored. */
  readonly stored: number;
}

/**
 * Requests the state of an upload; `undefined` if the registry does not know it, or does not report the
 * stored length: in both cases the upload must start again.
 *
 * @throws {MiseOciError} `network` or `registry` if the registry does not answer after several attempts.
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
