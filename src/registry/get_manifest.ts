/**
 * `GET /v2/<name>/manifests/<reference>`: a manifest or index, verified and parsed.
 * @module
 */
import { MiseOciError } from "../errors.ts";
import {
  type Descriptor,
  type Digest,
  digestOf,
  essence,
  isDigest,
  MANIFEST_ACCEPT,
  type ManifestOrIndex,
  MAX_MANIFEST_BYTES,
  maybeManifestKind,
  MediaType,
  parseManifest,
} from "../oci/mod.ts";
import { shorten } from "./failure.ts";
import type { RegistryAnswer, RegistryClient } from "./transport.ts";
import { maybeMismatch } from "./verify.ts";

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

/** A manifest to fetch. */
export interface ManifestRequest {
  /** Repository. */
  readonly repository: string;
  /** A tag or a digest. */
  readonly target: string;
  /** Its descriptor in an index, whose size and media type must match. */
  readonly descriptor?: Descriptor;
  /** Access to request, so that later requests can use the same token; default `["pull"]`. */
  readonly actions?: readonly ("pull" | "push")[];
  /** Aborts the request. */
  readonly signal?: AbortSignal | undefined;
}

/** A manifest or index of a registry. */
export interface FetchedManifest {
  /** Its media type, computed digest and size. */
  readonly descriptor: Descriptor;
  /** The raw bytes, which have that digest. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The parsed content. */
  readonly content: ManifestOrIndex;
}

/** The name of a manifest for messages: `host/name:tag` or `host/name@digest`. */
function manifestName(client: RegistryClient, request: ManifestRequest): string {
  const { repository, target } = request;
  return `${client.registry}/${repository}${isDigest(target) ? "@" : ":"}${target}`;
}

/**
 * Fetches a manifest or index. Its digest is computed from its bytes; a different `Docker-Content-Digest`
 * causes a warning for a tag and an error for a digest.
 *
 * @throws {MiseOciError} `not-found`, `auth`, `registry`, `network`; `integrity` if the bytes do not match
 * the requested digest or size, after a second attempt; `invalid` if it is malformed, ambiguous or longer
 * than 4 MiB; `unsupported` if it is Docker schema 1 or not an image.
 */
export async function fetchManifest(
  client: RegistryClient,
  request: ManifestRequest,
): Promise<FetchedManifest> {
  const found = await get(client, request, [200]);
  // Cannot happen: only 200 is accepted.
  if (found === undefined) throw new Error("fetchManifest: 404 was accepted");
  return found;
}

/** Like {@linkcode fetchManifest}, but `undefined` if the registry does not have it (404). */
export function maybeFetchManifest(
  client: RegistryClient,
  request: ManifestRequest,
): Promise<FetchedManifest | undefined> {
  return get(client, request, [200, 404]);
}

async function get(
  client: RegistryClient,
  request: ManifestRequest,
  accept: readonly number[],
): Promise<FetchedManifest | undefined> {
  const { repository, target, descriptor, actions = ["pull"], signal } = request;
  const name = manifestName(client, request);
  let problem: string | undefined;
  // The second attempt is for a response damaged by a broken connection or cache.
  for (let attempt = 1; attempt <= 2; attempt++) {
    const answer = await client.read({
      action: `fetch manifest "${name}"`,
      method: "GET",
      url: `/v2/${repository}/manifests/${target}`,
      scopes: [{ repository, actions }],
      accept,
      headers: { Accept: MANIFEST_ACCEPT },
      signal,
    }, MAX_MANIFEST_BYTES);
    if (answer.status === 404) return undefined;
    const digest = isDigest(target) ? target : maybeStatedDigest(answer);
    const size = descriptor?.size;
    problem = digest === undefined
      ? undefined
      : await maybeMismatch(answer.bytes, { digest, size });
    if (problem === undefined || (attempt === 2 && !isDigest(target))) {
      if (problem !== undefined) {
        client.warn(
          `Registry "${client.registry}" states a wrong digest for "${name}": ${problem}`,
        );
      }
      return await accepted(client, request, answer);
    }
  }
  throw new MiseOciError("integrity", `Cannot fetch manifest "${name}": it has ${problem}`, {
    hint: "The registry, or something between here and it, damages what it sends; do not use it",
  });
}

/** The sha256 digest that the registry states; any other value of the header is ignored. */
function maybeStatedDigest(answer: RegistryAnswer): Digest | undefined {
  const stated = answer.headers.get("docker-content-digest") ?? "";
  return isDigest(stated) ? stated : undefined;
}

async function accepted(
  client: RegistryClient,
  request: ManifestRequest,
  answer: RegistryAnswer,
): Promise<FetchedManifest> {
  const { target, descriptor: expected } = request;
  const { bytes, headers } = answer;
  const name = manifestName(client, request);
  const stated = headers.get("docker-content-digest");
  if (stated !== null && !isDigest(stated)) {
    client.warn(
      `Registry "${client.registry}" states an unusable digest for "${name}": ${
        JSON.stringify(shorten(stated).slice(0, 100))
      }`,
    );
  } else if (stated !== null && isDigest(target) && stated !== target) {
    throw new MiseOciError(
      "integrity",
      `Cannot fetch manifest "${name}": the registry says that it is ${stated}`,
      { hint: "The registry contradicts itself; do not use it" },
    );
  }
  const contentType = headers.get("content-type") ?? undefined;
  return await parseFetched(bytes, {
    what: `manifest "${name}"`,
    contentType,
    expected,
  });
}

/** Information about bytes that were fetched or found in a cache. */
export interface ParseFetchedOptions {
  /** A description for messages. */
  readonly what: string;
  /** `Content-Type` of the response. */
  readonly contentType?: string | undefined;
  /** Their descriptor in an index. */
  readonly expected?: Descriptor | undefined;
}

/**
 * Parses the bytes of a manifest and computes its descriptor. @throws {MiseOciError} as `parseManifest`.
 */
export async function parseFetched(
  bytes: Uint8Array<ArrayBuffer>,
  options: ParseFetchedOptions,
): Promise<FetchedManifest> {
  const { what, contentType, expected } = options;
  const content = parseManifest(bytes, {
    what,
    ...(contentType === undefined ? {} : { contentType }),
    ...(expected === undefined ? {} : { expectedMediaType: expected.mediaType }),
  });
  const inBody = content.kind === "index" ? content.index.mediaType : content.manifest.mediaType;
  const stated = [inBody, contentType, expected?.mediaType]
    .find((type) => maybeManifestKind(type) !== undefined);
  const mediaType = stated === undefined ? MediaType[content.kind] : essence(stated);
  return {
    descriptor: {
      ...expected,
      mediaType,
      digest: await digestOf(bytes),
      size: bytes.length,
    },
    bytes,
    content,
  };
}
