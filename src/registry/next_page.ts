/**
 * Pagination of lists.
 * @module
 */

/** The URL of the next page in a `Link` header (RFC 8288); `undefined` on the last page. */
export function maybeNextPage(headers: Headers): string | undefined {
  return /<([^>]+)>\s*;[^,]*\brel="?next"?/.exec(headers.get("link") ?? "")?.[1];
}
