/**
 * Whether something that should speak plain http speaks TLS after all.
 * @module
 */
import { networkFailure } from "./failure.ts";
import { exchange, type Fetch } from "./http.ts";

/** How long something on this machine may take to show that it speaks TLS, in milliseconds. */
const PROBE_MS = 1_000;

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
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const url = new URL("/v2/", overTls(registry));
  const idleTimeoutMs = PROBE_MS;
  try {
    const answer = await exchange(fetch, {
      method: "GET",
      url,
      headers: {},
      idleTimeoutMs,
      signal,
    });
    await answer.discard();
    return true;
  } catch (thrown) {
    if (/certificate/.test(networkFailure(thrown).error.message)) throw thrown;
    return false;
  }
}
