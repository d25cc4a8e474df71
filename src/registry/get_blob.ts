/**
 * `GET` and `HEAD /v2/<name>/blobs/<digest>` (distribution-spec, "Pulling blobs").
 * @module
 */
import { MiseOciError } from "../errors.ts";
import { type Descriptor, type Digest, MAX_MANIFEST_BYTES } from "../oci/mod.ts";
import type { HttpResponse } from "./http.ts";
import type { RegistryClient, RegistryRequest } from "./transport.ts";
import { type BlobTarget, pushScope, uploadAction } from "./upload_session.ts";
import { maybeMismatch } from "./verify.ts";

/**
 * Whether the repository has the complete blob. A refused request (403, 405) counts as missing: the upload
 * will show whether access is allowed.
 *
 * @throws {MiseOciError} `auth` if the user may not push there, `registry`, `network`.
 */
export async function hasBlob(
  client: RegistryClient,
  target: BlobTarget & {
    readonly size: number;
    /** The access to request; by default that of an upload, so that the same token can be used for it. */
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

/** A blob to fetch. */
export interface BlobRequest {
  /** Repository. */
  readonly repository: string;
  /** Its digest and size. */
  readonly descriptor: Pick<Descriptor, "digest" | "size">;
  /** Aborts the request. */
  readonly signal?: AbortSignal | undefined;
}

/** The start of the requested range of a blob. */
export interface BlobPosition {
  /** First byte; 0 requests the whole blob. */
  readonly start: number;
  /** `ETag` of the response with the preceding bytes. */
  readonly etag?: string | undefined;
}

/** The name of a blob for messages. */
export function blobName(client: RegistryClient, repository: string, digest: Digest): string {
  return `${client.registry}/${repository}@${digest}`;
}

function blobRequest(client: RegistryClient, request: BlobRequest): RegistryRequest {
  const { repository, descriptor: { digest }, signal } = request;
  return {
    action: `fetch blob "${blobName(client, repository, digest)}"`,
    method: "GET",
    url: `/v2/${repository}/blobs/${digest}`,
    scopes: [{ repository, actions: ["pull"] }],
    accept: [200],
    signal,
  };
}

/**
 * Requests a blob. From 0 the status is 200; from another offset it is 206, 200 (the whole blob) or 416, and
 * the caller must check it. The bytes are not verified.
 *
 * @throws {MiseOciError} `not-found`, `auth`, `registry`, `network`.
 */
export function getBlob(
  client: RegistryClient,
  request: BlobRequest,
  position: BlobPosition = { start: 0 },
): Promise<HttpResponse> {
  const { start, etag } = position;
  const plain = blobRequest(client, request);
  if (start === 0) return client.send(plain);
  // If-Range accepts only a strong validator (RFC 9110, 13.1.5).
  const condition = etag === undefined || etag.startsWith("W/") ? {} : { "If-Range": etag };
  return client.send({
    ...plain,
    accept: [200, 206, 416],
    headers: { Range: `bytes=${start}-`, ...condition },
  });
}

/**
 * Fetches and verifies a small blob, such as a config.
 *
 * @throws {MiseOciError} as {@linkcode getBlob}; `invalid` if it is longer than 4 MiB, `integrity` if the
 * bytes do not match, after a second attempt.
 */
export async function fetchBlob(
  client: RegistryClient,
  request: BlobRequest,
): Promise<Uint8Array<ArrayBuffer>> {
  const { repository, descriptor } = request;
  const name = blobName(client, repository, descriptor.digest);
  if (descriptor.size > MAX_MANIFEST_BYTES) {
    throw new MiseOciError(
      "invalid",
      `Cannot fetch blob "${name}": its ${descriptor.size} bytes are more than the ${MAX_MANIFEST_BYTES} allowed`,
    );
  }
  let problem: string | undefined;
  for (let attempt = 1; attempt <= 2; attempt++) {
    const { bytes } = await client.read(blobRequest(client, request), MAX_MANIFEST_BYTES);
    problem = await maybeMismatch(bytes, descriptor);
    if (problem === undefined) return bytes;
  }
  throw new MiseOciError("integrity", `Cannot fetch blob "${name}": it has ${problem}`, {
    hint: "The registry, or something between here and it, damages what it sends; do not use it",
  });
}
