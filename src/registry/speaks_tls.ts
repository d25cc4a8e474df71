/**
 * Whether something that should speak plain http speaks TLS after all.
 * @module
 */
import { networkFailure } from "./failure.ts";
import { exchange, type Fetch, type HttpRequest } from "./http.ts";

/** The same URL with https. */
export function overTls(url: URL): URL {
  return new URL(url.href.replace(/^http:/, "https:"));
}

/**
 * Asks a registry's root over TLS.
 *
 * @throws what `fetch` throws about a certificate that is not trusted: TLS is spoken then.
 */
export async function speaksTls(
  fetch: Fetch,
  registry: URL,
  options: Pick<HttpRequest, "idleTimeoutMs" | "signal">,
): Promise<boolean> {
  const url = new URL("/v2/", overTls(registry));
  try {
    const answer = await exchange(fetch, { method: "GET", url, headers: {}, ...options });
    await answer.discard();
    return true;
  } catch (thrown) {
    if (/certificate/.test(networkFailure(thrown).error.message)) throw thrown;
    return false;
  }
}
