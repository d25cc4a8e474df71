/**
 * `DELETE <session>`: cancels an upload.
 * @module
 */
import type { RegistryClient } from "./transport.ts";
import { type BlobTarget, pushScope, uploadAction, type UploadSession } from "./upload_session.ts";

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
