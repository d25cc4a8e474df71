/**
 * `POST /v2/<name>/blobs/uploads/`: starts an upload.
 * @module
 */
import type { RegistryClient } from "./transport.ts";
import {
  type BlobTarget,
  pushScope,
  readSession,
  uploadAction,
  type UploadSession,
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
