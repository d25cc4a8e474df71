/**
 * Lists that come in pages.
 * @module
 */

/** The next page that a `Link` header names (RFC 8288); `undefined` on the last. */
export function maybeNextPage(headers: Headers): string | undefined {
  return /<([^>]+)>\s*;[^,]*\brel="?next"?/.exec(headers.get("link") ?? "")?.[1];
}
