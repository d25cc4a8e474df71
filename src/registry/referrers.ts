/**
 * `GET /v2/<name>/referrers/<digest>`: lists the manifests that refer to a manifest (distribution-spec 1.1,
 * "Listing Referrers"), or reads the index under a tag that replaces the API in older registries.
 * @module
 */
import { MiseOciError } from "../errors.ts";
import {
  asArray,
  asObject,
  type Descriptor,
  type Digest,
  digestHex,
  MediaType,
  parseDescriptor,
  parseJson,
} from "../oci/mod.ts";
import { shorten } from "./failure.ts";
import { maybeNextPage } from "./list_tags.ts";
import type { RegistryClient } from "./transport.ts";

/** Input of {@linkcode listReferrers}. */
export interface ReferrersRequest {
  /** Repository. */
  readonly repository: string;
  /** Digest of the manifest that is referred to. */
  readonly digest: Digest;
  /** Aborts the request. */
  readonly signal?: AbortSignal | undefined;
}

/** The referrers of a manifest. */
export interface Referrers {
  /** Whether the registry has the API, so that it maintains the list itself. */
  readonly api: boolean;
  /** The referrers as described by the list: their content must be verified before it is trusted. */
  readonly entries: readonly Descriptor[];
}

/** Maximum length of a list in bytes and in pages: an index of 10,000 entries has about 4 MB. */
const MAX_LIST_BYTES = 16 * 1024 * 1024;
const MAX_PAGES = 64;
/** Maximum number of entries. */
const MAX_ENTRIES = 20_000;

/** Maximum number of referrers that are copied with an image. */
const MAX_COPIED_REFERRERS = 200;
/** Maximum depth of referrers of referrers (a signature of a bill of materials). */
export const MAX_REFERRER_DEPTH = 3;

/** The tag of the list in registries without the API. */
export function referrersTag(digest: Digest): string {
  return `sha256-${digestHex(digest)}`;
}

/** Entries of a list; malformed ones are skipped, because anyone may have written them. */
function readEntries(
  client: RegistryClient,
  bytes: Uint8Array,
  what: string,
): readonly Descriptor[] {
  const body = asObject(parseJson(bytes, { what, maxBytes: MAX_LIST_BYTES }), what);
  return asArray(body["manifests"] ?? [], `${what}.manifests`).flatMap((entry, at) => {
    try {
      return [parseDescriptor(entry, `${what}.manifests[${at}]`)];
    } catch (error) {
      if (!(error instanceof MiseOciError)) throw error;
      client.log(1, shorten(error.message));
      return [];
    }
  });
}

/**
 * Lists the referrers of a manifest.
 *
 * @throws {MiseOciError} `auth`, `registry`, `network`; `invalid` for a list that is malformed or too long.
 */
export async function listReferrers(
  client: RegistryClient,
  request: ReferrersRequest,
): Promise<Referrers> {
  const { repository, digest, signal } = request;
  const what = `referrers of "${client.registry}/${repository}@${digest}"`;
  const entries: Descriptor[] = [];
  let url: string | URL = `/v2/${repository}/referrers/${digest}`;
  for (let page = 0; page < MAX_PAGES; page++) {
    const answer = await client.read({
      action: `list ${what}`,
      method: "GET",
      url,
      scopes: [{ repository, actions: ["pull"] }],
      accept: [200, 400, 403, 404, 405, 415, 501],
      signal,
    }, MAX_LIST_BYTES);
    const isList = answer.status === 200 &&
      /json/i.test(answer.headers.get("content-type") ?? "json");
    if (!isList) {
      if (page > 0) break;
      return { api: false, entries: await listByTag(client, request) };
    }
    entries.push(...readEntries(client, answer.bytes, what));
    if (entries.length > MAX_ENTRIES) break;
    const next = maybeNextPage(answer.headers);
    if (next === undefined) return { api: true, entries };
    url = client.resolve(next, new URL(url, client.url));
  }
  throw new MiseOciError("invalid", `Cannot list ${what}: there are more than ${MAX_ENTRIES}`, {
    hint: "Somebody fills the list; remove what does not belong there",
  });
}

/** @throws {MiseOciError} `invalid` for more referrers than are copied. */
export function checkReferrerCount(digest: Digest, { length }: readonly Descriptor[]): void {
  if (length <= MAX_COPIED_REFERRERS) return;
  throw new MiseOciError(
    "invalid",
    `Cannot copy what refers to ${digest}: ${length} manifests, and at most ${MAX_COPIED_REFERRERS} are copied`,
  );
}

async function listByTag(
  client: RegistryClient,
  { repository, digest, signal }: ReferrersRequest,
): Promise<readonly Descriptor[]> {
  const tag = referrersTag(digest);
  const answer = await client.read({
    action: `fetch manifest "${client.registry}/${repository}:${tag}"`,
    method: "GET",
    url: `/v2/${repository}/manifests/${tag}`,
    scopes: [{ repository, actions: ["pull"] }],
    accept: [200, 404],
    headers: { Accept: MediaType.index },
    signal,
  }, MAX_LIST_BYTES);
  if (answer.status === 404) return [];
  return readEntries(client, answer.bytes, `index "${client.registry}/${repository}:${tag}"`);
}
