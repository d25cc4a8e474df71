/**
 * Access tokens from a registry's token endpoint (distribution, "Token Authentication Specification"
 * and "Oauth2 Token Authentication").
 * @module
 */
import { MiseOciError } from "../errors.ts";
import { rememberSecret } from "../masking.ts";
import { asObject, type JsonObject, parseJson } from "../oci/mod.ts";
import type { Credentials } from "./credentials_type.ts";
import { networkFailure, responseError } from "./failure.ts";
import { showUrl } from "./host.ts";
import { exchange, type Fetch, type HttpResponse } from "./http.ts";
import { Attempts, type Clock, maybeRetryAfter } from "./retry.ts";

/** Maximum number of bytes read from a token response. */
const MAX_TOKEN_BYTES = 1024 * 1024;
/** "A token should never be returned with less than 60 seconds to live." */
const MIN_LIFE_S = 60;
const MAX_LIFE_S = 24 * 60 * 60;
const CLIENT_ID = "mise-oci";

/** A request to a token endpoint. */
export interface TokenRequest {
  /** The endpoint, already checked against the realm rules. */
  readonly realm: URL;
  /** `service` of the challenge. */
  readonly service: string | undefined;
  /** Scopes, `repository:NAME:pull,push` each. */
  readonly scopes: readonly string[];
  /** The credentials; anonymous if absent. */
  readonly credentials: Credentials | undefined;
}

/** An access token. */
export interface AccessToken {
  /** The token; printable ASCII without spaces. */
  readonly token: string;
  /** Its lifetime in seconds. */
  readonly lifeSeconds: number;
}

/** Context for a token request. */
export interface TokenContext {
  /** The registry, as the user wrote it. */
  readonly registry: string;
  /** Sends requests. */
  readonly fetch: Fetch;
  /** The clock. */
  readonly clock: Clock;
  /** See `RegistryClientOptions`. */
  readonly idleTimeoutMs: number;
  /** `User-Agent`. */
  readonly userAgent: string;
  /** Aborts the request. */
  readonly signal?: AbortSignal | undefined;
  /** Jitter. */
  readonly random?: (() => number) | undefined;
}

/** HTTP Basic credentials; UTF-8 (RFC 7617), because registries expect it. */
export function basicAuthorization(username: string, password: string): string {
  const bytes = new TextEncoder().encode(`${username}:${password}`);
  return `Basic ${btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""))}`;
}

function getRequest(request: TokenRequest): { url: URL; headers: Record<string, string> } {
  const { realm, service, scopes, credentials } = request;
  const url = new URL(realm);
  if (service !== undefined) url.searchParams.set("service", service);
  for (const scope of scopes) url.searchParams.append("scope", scope);
  url.searchParams.set("client_id", CLIENT_ID);
  if (credentials?.kind === "basic") {
    url.searchParams.set("account", credentials.username);
    return {
      url,
      headers: { Authorization: basicAuthorization(credentials.username, credentials.password) },
    };
  }
  if (credentials?.kind === "identity") {
    return { url, headers: { Authorization: basicAuthorization("<token>", credentials.token) } };
  }
  return { url, headers: {} };
}

function postForm(request: TokenRequest, refreshToken: string): Uint8Array<ArrayBuffer> {
  const form = new URLSearchParams({ grant_type: "refresh_token", client_id: CLIENT_ID });
  if (request.service !== undefined) form.set("service", request.service);
  if (request.scopes.length > 0) form.set("scope", request.scopes.join(" "));
  form.set("refresh_token", refreshToken);
  return new TextEncoder().encode(form.toString());
}

function readToken(body: JsonObject): AccessToken | undefined {
  const candidates = [body["token"], body["access_token"]];
  const token = candidates.find((value) => typeof value === "string" && value !== "");
  // Any other character could end the header line and start another.
  if (typeof token !== "string" || !/^[\x21-\x7e]+$/.test(token)) return undefined;
  const expires = body["expires_in"];
  const life = typeof expires === "number" && Number.isFinite(expires) ? expires : MIN_LIFE_S;
  rememberSecret(token);
  return { token, lifeSeconds: Math.min(Math.max(life, MIN_LIFE_S), MAX_LIFE_S) };
}

/** A response, with its body if it was successful. */
interface Answer {
  readonly response: HttpResponse;
  readonly body?: { readonly bytes: Uint8Array<ArrayBuffer>; readonly complete: boolean };
}

function parseTokenResponse(body: Answer["body"], request: TokenRequest): AccessToken {
  const what = `token response of ${showUrl(request.realm)}`;
  const fail = (why: string, cause?: unknown): never => {
    throw new MiseOciError("auth", `Cannot use the ${what}: ${why}`, {
      hint: "The registry's token server is set up wrongly; tell its administrator",
      cause,
    });
  };
  if (body === undefined || !body.complete) {
    return fail(`it is longer than ${MAX_TOKEN_BYTES} bytes`);
  }
  let json: JsonObject;
  try {
    json = asObject(parseJson(body.bytes, { what, maxBytes: MAX_TOKEN_BYTES }), what);
  } catch (cause) {
    // The cause does not quote the body, which may contain a token.
    return fail("it is not a JSON object", cause);
  }
  return readToken(json) ?? fail("it holds no usable token");
}

/** Sends one request to the endpoint, and retries after temporary errors. Redirects are refused. */
async function ask(
  method: "GET" | "POST",
  request: TokenRequest,
  context: TokenContext,
): Promise<Answer> {
  const { registry, fetch, clock, idleTimeoutMs, userAgent, signal, random } = context;
  const { url, headers } = method === "GET"
    ? getRequest(request)
    : { url: request.realm, headers: { "Content-Type": "application/x-www-form-urlencoded" } };
  const body = method === "POST" && request.credentials?.kind === "identity"
    ? postForm(request, request.credentials.token)
    : undefined;
  const http = {
    method,
    url,
    headers: { "User-Agent": userAgent, Accept: "application/json", ...headers },
    body,
    idleTimeoutMs,
    signal,
  };
  const attempts = new Attempts({
    clock,
    ...(signal === undefined ? {} : { signal }),
    ...(random === undefined ? {} : { random }),
  });
  for (;;) {
    let response: HttpResponse;
    try {
      response = await exchange(fetch, http);
      if (response.status === 200) return { response, body: await response.head(MAX_TOKEN_BYTES) };
    } catch (thrown) {
      await attempts.again(networkFailure(thrown));
      continue;
    }
    const { status } = response;
    if (status !== 408 && status !== 429 && status < 500) return { response };
    const retryAfterMs = maybeRetryAfter(response.headers, clock.now());
    await attempts.again({ error: await responseError(response, { registry }), retryAfterMs });
  }
}

/** Statuses after which GET is tried: token servers without POST use 404, 405, 400 or 401. */
const NO_POST: readonly number[] = [400, 401, 404, 405];

/**
 * Gets an access token: with GET, using HTTP Basic or anonymously; an identity token is exchanged with POST,
 * or with GET if the endpoint has no POST.
 *
 * @throws {MiseOciError} `auth` if the credentials are refused or the response is not a token, `registry` if
 * the endpoint redirects, `network` if it cannot be reached.
 */
export async function fetchToken(
  request: TokenRequest,
  context: TokenContext,
): Promise<AccessToken> {
  const { registry } = context;
  let answer: Answer | undefined;
  if (request.credentials?.kind === "identity") {
    answer = await ask("POST", request, context);
    if (NO_POST.includes(answer.response.status)) {
      await answer.response.discard();
      answer = undefined;
    }
  }
  const { response, body } = answer ?? await ask("GET", request, context);
  const { status } = response;
  if (status >= 300 && status < 400) {
    await response.discard();
    throw new MiseOciError(
      "registry",
      `Refusing a redirect (${status}) of the token endpoint ${showUrl(request.realm)}`,
      { hint: "A token endpoint must answer itself; tell the registry's administrator" },
    );
  }
  if (status === 200) return parseTokenResponse(body, request);
  const error = await responseError(response, { registry });
  if (status !== 401 && status !== 403) throw error;
  const { credentials } = request;
  const what = credentials === undefined
    ? "anonymous access"
    : credentials.kind === "identity"
    ? "the stored identity token, which may have expired"
    : "the stored credentials";
  const how = credentials === undefined ? "Log in" : "Log in again";
  throw new MiseOciError("auth", `Registry "${registry}" refuses ${what}: ${error.message}`, {
    hint: `${how} with docker login ${registry} or podman login ${registry}`,
  });
}
