/**
 * `PUT /v2/<name>/manifests/<reference>`: stores a manifest or index, under a tag or by its digest.
 * @module
 */
import { MiseOciError } from "../errors.ts";
import type { Descriptor, Digest } from "../oci/mod.ts";
import type { RegistryClient } from "./transport.ts";
import { pushScope } from "./upload_session.ts";

/** What is stored where. */
export interface PutManifestOptions {
  /** Repository. */
  readonly repository: string;
  /** A tag, or the manifest's own digest. */
  readonly target: string;
  /** What the bytes are. */
  readonly descriptor: Pick<Descriptor, "mediaType" | "digest">;
  /** The exact bytes. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Ends the request. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Stores a manifest or index.
 *
 * @throws {MiseOciError} `auth`, `registry` with the registry's own message, `network`; `integrity` if
 * the registry names another digest than the bytes have.
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
  if (stored !== null && /^sha256:[0-9a-f]{64}$/.test(stored) && stored !== descriptor.digest) {
    throw new MiseOciError(
      "integrity",
      `Cannot push manifest "${name}": the registry stored ${stored} instead of ${descriptor.digest}`,
      { hint: "Something between here and the registry changes what is sent" },
    );
  }
  return descriptor.digest;
}
