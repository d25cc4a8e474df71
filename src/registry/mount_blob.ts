/**
 * `POST /v2/<name>/blobs/uploads/?mount=<digest>&from=<other>`: mounts a blob from another repository of the
 * same registry.
 * @module
 */
import { MiseOciError } from "../errors.ts";
import type { RegistryClient } from "./transport.ts";
import {
  type BlobTarget,
  pushScope,
  readSession,
  uploadAction,
  type UploadSession,
} from "./upload_session.ts";

/** What came of it. */
export type MountResult =
  | { readonly kind: "mounted" }
  /** The registry began an upload instead. */
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
