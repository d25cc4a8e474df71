/**
 * `HEAD /v2/<name>/manifests/<reference>`: the digest of a tag, without fetching the manifest.
 * @module
 */
import { type Digest, isDigest, MANIFEST_ACCEPT } from "../oci/mod.ts";
import { manifestName, type ManifestRequest, maybeFetchManifest } from "./get_manifest.ts";
import type { RegistryClient } from "./transport.ts";

/**
 * The digest that a tag (or digest) currently names; `undefined` if the registry does not have it. If HEAD
 * returns no digest, or is not supported, GET is used. The digest is not verified here, but anything fetched
 * by it is.
 *
 * @throws {MiseOciError} `auth`, `registry`, `network`.
 */
export async function headManifest(
  client: RegistryClient,
  request: ManifestRequest,
): Promise<Digest | undefined> {
  const { repository, target, actions = ["pull"], signal } = request;
  const response = await client.send({
    action: `look up "${manifestName(client, request)}"`,
    method: "HEAD",
    url: `/v2/${repository}/manifests/${target}`,
    scopes: [{ repository, actions }],
    accept: [200, 404, 405],
    headers: { Accept: MANIFEST_ACCEPT },
    signal,
  });
  await response.discard();
  if (response.status === 404) return undefined;
  const stated = response.headers.get("docker-content-digest") ?? "";
  if (response.status === 200 && isDigest(stated)) return stated;
  return (await maybeFetchManifest(client, request))?.descriptor.digest;
}
