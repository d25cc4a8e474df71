/**
 * `HEAD /v2/<name>/blobs/<digest>`: whether a repository has a blob.
 * @module
 */
import type { RegistryClient } from "./transport.ts";
import { type BlobTarget, pushScope, uploadAction } from "./upload_session.ts";

/**
 * Whether the repository has the complete blob. A registry that refuses the request (403, 405) is treated as
 * not having it: the upload will show.
 *
 * @throws {MiseOciError} `auth` if the user may not push there, `registry`, `network`.
 */
export async function hasBlob(
  client: RegistryClient,
  target: BlobTarget & { readonly size: number },
): Promise<boolean> {
  const { repository, digest, size, signal } = target;
  const response = await client.send({
    action: uploadAction(client, target),
    method: "HEAD",
    url: `/v2/${repository}/blobs/${digest}`,
    scopes: [pushScope(repository)],
    accept: [200, 403, 404, 405],
    signal,
  });
  await response.discard();
  if (response.status !== 200) return false;
  const length = response.contentLength;
  if (length === undefined || length === size) return true;
  client.log(1, `Registry has ${length} bytes instead of ${size} of blob ${digest}`);
  return false;
}
