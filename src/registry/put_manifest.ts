/**
 * `PUT /v2/<name>/manifests/<reference>`: stores a manifest or index, under a tag or by its digest.
 * @module
 */
import { MiseOciError } from "../errors.ts";
import {
  type Descriptor,
  type Digest,
  digestOf,
  isDigest,
  MAX_MANIFEST_BYTES,
} from "../oci/mod.ts";
import type { RegistryClient } from "./transport.ts";
import { pushScope } from "./upload_session.ts";

/** Options of {@linkcode putManifest}. */
export interface PutManifestOptions {
  /** Repository. */
  readonly repository: string;
  /** A tag, or the manifest's own digest. */
  readonly target: string;
  /** Media type and digest of the bytes. */
  readonly descriptor: Pick<Descriptor, "mediaType" | "digest">;
  /** The exact bytes. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Aborts the request. */
  readonly signal?: AbortSignal | undefined;
}

/** Whether the registry has exactly these bytes under that name. */
async function isStored(
  client: RegistryClient,
  { repository, target, descriptor, signal }: PutManifestOptions,
): Promise<boolean> {
  const { bytes } = await client.read({
    action: `read manifest "${client.registry}/${repository}" back`,
    method: "GET",
    url: `/v2/${repository}/manifests/${target}`,
    scopes: [pushScope(repository)],
    accept: [200],
    headers: { Accept: descriptor.mediaType },
    signal,
  }, MAX_MANIFEST_BYTES);
  return await digestOf(bytes) === descriptor.digest;
}

/**
 * Stores a manifest or index. If the registry returns another digest than that of the bytes, the stored
 * manifest is read back: if only the header is wrong (fault R36), the result is a warning.
 *
 * @throws {MiseOciError} `auth`, `registry` with the registry's own message, `network`; `integrity` if
 * the registry stored something else.
 */
export async function putManifest(
  client: RegistryClient,
  options: PutManifestOptions,
): Promise<Digest> {
  const { repository, target, descriptor, bytes, signal } = options;
  const name = `${client.registry}/${repository}${target.includes(":") ? "@" : ":"}${target}`;
  const response = await client.send({
    action: `push manifest "${name}"`,
    method: "PUT",
    url: `/v2/${repository}/manifests/${target}`,
    scopes: [pushScope(repository)],
    accept: [201, 200, 202, 204],
    headers: { "Content-Type": descriptor.mediaType },
    body: bytes,
    signal,
  });
  await response.discard();
  const stored = response.headers.get("docker-content-digest");
  if (stored !== null && isDigest(stored) && stored !== descriptor.digest) {
    if (await isStored(client, options)) {
      client.warn(
        `Registry "${client.registry}" states a wrong digest for "${name}", and has the right manifest`,
      );
      return descriptor.digest;
    }
    throw new MiseOciError(
      "integrity",
      `Cannot push manifest "${name}": the registry stored ${stored} instead of ${descriptor.digest}`,
      { hint: "Something between here and the registry changes what is sent" },
    );
  }
  return descriptor.digest;
}
