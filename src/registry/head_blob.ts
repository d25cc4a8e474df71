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
  target: BlobTarget & {
    readonly size: number;
    /** The access that is asked for: by default that of an upload, which then needs no other token. */
    readonly actions?: readonly ["pull"];
  },
): Promise<boolean> {
  const { repository, digest, size, actions, signal } = target;
  const response = await client.send({
    action: actions === undefined
      ? uploadAction(client, target)
      : `look up blob ${digest} in "${client.registry}/${repository}"`,
    method: "HEAD",
    url: `/v2/${repository}/blobs/${digest}`,
    scopes: [actions === undefined ? pushScope(repository) : { repository, actions }],
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
