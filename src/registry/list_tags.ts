/**
 * `GET /v2/<name>/tags/list`: lists the tags of a repository (distribution-spec 1.1, "Listing Tags").
 * @module
 */
import { MiseOciError } from "../errors.ts";
import { asArray, asObject, asString, parseJson } from "../oci/mod.ts";
import type { RegistryClient } from "./transport.ts";

/** The URL of the next page in a `Link` header (RFC 8288); `undefined` on the last page. */
export function maybeNextPage(headers: Headers): string | undefined {
  return /<([^>]+)>\s*;[^,]*\brel="?next"?/.exec(headers.get("link") ?? "")?.[1];
}

/** Input of {@linkcode listTagNames}. */
export interface TagsRequest {
  /** Repository. */
  readonly repository: string;
  /** Aborts the request. */
  readonly signal?: AbortSignal | undefined;
}

/** Maximum size of a page, in bytes. */
const MAX_PAGE_BYTES = 16 * 1024 * 1024;
/** Maximum number of pages: registries return 100 to 1,000 tags in one. */
const MAX_PAGES = 1000;

/**
 * Lists the tags of a repository in the order of the registry.
 *
 * @throws {MiseOciError} `not-found` for a repository that does not exist, `auth`, `registry`, `network`;
 * `invalid` for a list that is malformed or does not end.
 */
export async function listTagNames(
  client: RegistryClient,
  { repository, signal }: TagsRequest,
): Promise<readonly string[]> {
  const what = `tags of "${client.registry}/${repository}"`;
  const tags = new Set<string>();
  let url: string | URL = `/v2/${repository}/tags/list`;
  for (let page = 0; page < MAX_PAGES; page++) {
    const { bytes, headers } = await client.read({
      action: `list ${what}`,
      method: "GET",
      url,
      scopes: [{ repository, actions: ["pull"] }],
      accept: [200],
      signal,
    }, MAX_PAGE_BYTES);
    const body = asObject(parseJson(bytes, { what, maxBytes: MAX_PAGE_BYTES }), what);
    const before = tags.size;
    // A repository whose last tag was deleted has `null`.
    const names = asArray(body["tags"] ?? [], `${what}.tags`);
    for (const [i, name] of names.entries()) tags.add(asString(name, `${what}.tags[${i}]`));
    const next = maybeNextPage(headers);
    // A registry that returns the same page again would cause an endless loop.
    if (next === undefined || tags.size === before) return [...tags];
    url = client.resolve(next, new URL(url, client.url));
  }
  throw new MiseOciError("invalid", `Cannot list ${what}: the list does not end`);
}
