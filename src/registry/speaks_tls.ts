/**
 * Detects whether a server that should use plain http uses TLS.
 * @module
 */
import { networkFailure } from "./failure.ts";
import { exchange, type Fetch } from "./http.ts";

/** Time limit for the TLS handshake with a server on this machine, in milliseconds. */
const PROBE_MS = 1_000;

/** The same URL with https. */
export function overTls(url: URL): URL {
  return new URL(url.href.replace(/^http:/, "https:"));
}

/**
 * Requests a registry's root over TLS.
 *
 * @throws the error of `fetch` for an untrusted certificate: then the server uses TLS.
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
