/**
 * Describes failed requests, and decides whether to retry them.
 * @module
 */
import { describeError, type ErrorCode, MiseOciError } from "../errors.ts";
import { maskSecrets } from "../masking.ts";
import { asArray, asObject, parseJson } from "../oci/mod.ts";
import { ProxyError, showProxy } from "./connect.ts";
import { hostAndPort, showUrl } from "./host.ts";
import { ExchangeError, type HttpRequest, type HttpResponse } from "./http.ts";
import { MAX_ATTEMPTS } from "./retry.ts";

/** Maximum number of bytes read from an error body. */
const MAX_ERROR_BODY = 64 * 1024;
/** Maximum number of characters shown of it. */
const MAX_SHOWN = 1024;

/** A network failure: the error to show and the number of attempts. */
export interface NetworkFailure {
  /** The error to throw after the last attempt. */
  readonly error: MiseOciError;
  /** Maximum number of attempts. */
  readonly limit: number;
  /** Connection refused: a wrong address, or a registry that is restarting. */
  readonly refused: boolean;
}

interface NetworkCause {
  readonly pattern: RegExp;
  readonly text: string;
  readonly hint: (url: URL) => string;
  readonly limit: number;
}

const caHint = (url: URL): string =>
  `If you trust it, put its CA certificate in /etc/docker/certs.d/${url.host}/ca.crt or name the file in SSL_CERT_FILE`;

/** Texts of Deno's network stack, which has no error codes. The first match is used. */
const CAUSES: readonly NetworkCause[] = [
  {
    pattern: /connection refused|actively refused/i,
    text: "connection refused",
    hint: (url) =>
      `Check that the registry is running and listens on port ${hostAndPort(url).split(":").pop()}`,
    limit: 3,
  },
  {
    pattern: /temporary failure in name resolution|try again/i,
    text: "the name cannot be resolved now",
    hint: () => "Check the network connection",
    limit: MAX_ATTEMPTS,
  },
  {
    pattern: /dns error|failed to lookup address/i,
    text: "unknown host name",
    hint: () => "Check the host name and the network connection",
    limit: 1,
  },
  {
    pattern: /requests to port \d+ are blocked/i,
    text: "Deno does not connect to this port",
    hint: () => "Let the registry listen on another port",
    limit: 1,
  },
  {
    pattern: /InvalidContentType|wrong version number/,
    text: "it does not speak TLS",
    hint: (url) =>
      `If the registry is meant to use plain http, list "${url.host}" in oci.insecure_registries`,
    limit: 1,
  },
  {
    pattern: /certificate.*expired|\bExpired/,
    text: "its TLS certificate has expired",
    hint: () => "Renew the registry's certificate, and check this machine's clock",
    limit: 1,
  },
  {
    pattern: /NotValidForName|not valid for (?:any )?name/i,
    text: "its TLS certificate is for another name",
    hint: () => "Use the name that the certificate was made for",
    limit: 1,
  },
  {
    pattern: /CaUsedAsEndEntity|UnknownIssuer|BadSignature|self.signed|unknown ?ca/i,
    text: "its TLS certificate is signed by an unknown authority",
    hint: caHint,
    limit: 1,
  },
  {
    pattern: /invalid peer certificate|certificate/i,
    text: "its TLS certificate is not valid",
    hint: caHint,
    limit: 1,
  },
];

const bypassHint = (url: URL): string =>
  `Check ${
    url.protocol === "https:" ? "HTTPS_PROXY" : "HTTP_PROXY"
  }, or list ${url.hostname} in NO_PROXY`;

/** Error texts of a proxy; all other errors concern the host behind it. */
const PROXY_CAUSES: readonly NetworkCause[] = [
  { pattern: /connection refused/i, text: "connection refused", hint: bypassHint, limit: 3 },
  { pattern: /dns error/i, text: "unknown host name", hint: bypassHint, limit: 1 },
  {
    pattern: /proxy authentication required/i,
    text: "it requires a user and a password",
    hint: () => "Set the variable to http://USER:PASSWORD@HOST:PORT",
    limit: 1,
  },
  {
    pattern: /unsuccessful tunnel/i,
    text: "it refuses to connect to the registry",
    hint: bypassHint,
    limit: 1,
  },
];

/** Deno's message without the queries of URLs, which may be signatures. */
function withoutQueries(text: string): string {
  return text.replace(/(https?:\/\/[^\s?#)]+)[?#][^\s)]*/g, "$1");
}

/**
 * Creates the error for a broken exchange.
 *
 * @throws the signal's reason if it is aborted, and errors other than {@linkcode ExchangeError} unchanged.
 */
export function networkFailure(thrown: unknown): NetworkFailure {
  if (!(thrown instanceof ExchangeError)) throw thrown;
  const { request: { method, url, signal }, cause } = thrown;
  if (signal?.aborted) throw signal.reason;
  const where = `${method} ${showUrl(url)}`;
  if (cause instanceof Deno.errors.NotCapable) {
    throw new MiseOciError("permission", `Cannot reach ${hostAndPort(url)}: permission denied`, {
      hint: `Run with --allow-net=${hostAndPort(url)}`,
      cause,
    });
  }
  if (cause instanceof MiseOciError) throw cause;
  const text = describeError(cause);
  const ofProxy = cause instanceof ProxyError
    ? PROXY_CAUSES.find(({ pattern }) => pattern.test(text))
    : undefined;
  const known = ofProxy ?? CAUSES.find(({ pattern }) => pattern.test(text));
  const what = ofProxy !== undefined && cause instanceof ProxyError
    ? `proxy ${showProxy(cause.proxy)}`
    : hostAndPort(url);
  const message = known === undefined
    ? `${where} failed: ${shorten(withoutQueries(text))}`
    : `${where} failed: cannot use ${what}: ${known.text}`;
  const error = new MiseOciError("network", message, {
    hint: known?.hint(url) ?? "Check the network connection and try again",
  });
  return {
    error,
    limit: known?.limit ?? MAX_ATTEMPTS,
    refused: known !== undefined && known === CAUSES[0],
  };
}

/**
 * Untrusted text, shortened and safe for a terminal: control and direction characters are escaped, and
 * secrets that this process sent are masked before the text is truncated.
 */
export function shorten(text: string): string {
  const escaped = maskSecrets(text).trim().replace(
    // deno-lint-ignore no-control-regex
    /[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g,
    (char) => char === "\n" ? " " : `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return escaped.length <= MAX_SHOWN ? escaped : `${escaped.slice(0, MAX_SHOWN - 1)}…`;
}

/** Digests in the detail of an error that its message does not contain. */
function digestsOf(detail: unknown, message: string): string {
  const found = JSON.stringify(detail ?? "").match(/sha256:[0-9a-f]{64}/g) ?? [];
  const unnamed = [...new Set(found)].filter((digest) => !message.includes(digest));
  return unnamed.length === 0 ? "" : ` (${unnamed.slice(0, 3).join(", ")})`;
}

/** The `code: message` pairs of a registry's error body (distribution-spec, "Error Codes"), or its text. */
function describeErrorBody(bytes: Uint8Array, contentType: string): string {
  const text = new TextDecoder().decode(bytes);
  try {
    const body = asObject(parseJson(bytes, { what: "error", maxBytes: MAX_ERROR_BODY }), "error");
    const list = body["errors"] === undefined ? [body] : asArray(body["errors"], "errors");
    const parts = list.slice(0, 3).map((item) => {
      const { code, message, error, details, detail } = asObject(item, "errors");
      const summary = [code, message ?? error ?? details].filter((part) =>
        typeof part === "string" && part !== ""
      ).join(": ");
      return summary + digestsOf(detail, summary);
    });
    return shorten(parts.filter((part) => part !== "").join("; "));
  } catch {
    if (/html/i.test(contentType) || text.includes("\ufffd")) return "";
    return shorten(text);
  }
}

const CODES: Readonly<Record<number, ErrorCode>> = { 401: "auth", 403: "auth", 404: "not-found" };

/** Hint for registries in which repositories must be created first (such as ECR). */
function createHint({ method, url }: HttpRequest, registry: string): string | undefined {
  const repository = /^\/v2\/(.+)\/(?:blobs|manifests)\//.exec(url.pathname)?.[1];
  if (repository === undefined || method === "GET" || method === "HEAD") return undefined;
  const region = /\.dkr\.ecr(?:-fips)?\.([a-z0-9-]+)\./.exec(registry)?.[1];
  return region === undefined
    ? `Create the repository "${repository}" at the registry first, and check the name`
    : `Create it: aws ecr create-repository --region ${region} --repository-name ${repository}`;
}

function hintOfResponse(
  { status, request }: HttpResponse,
  registry: string,
  body: string,
): string {
  if (status === 404 && /NAME_UNKNOWN|does not exist/i.test(body)) {
    const hint = createHint(request, registry);
    if (hint !== undefined) return hint;
  }
  if (request.method === "PUT" && /immutab/i.test(body)) {
    return "The registry does not let a tag be changed: push to another tag";
  }
  if (status === 407) {
    return "The proxy requires a user and a password: http://USER:PASSWORD@HOST:PORT";
  }
  return hintOfStatus(status, registry, body);
}

function hintOfStatus(status: number, registry: string, body: string): string {
  if (/HTTP request (?:was sent )?to an? HTTPS (?:server|port)/i.test(body)) {
    return `The registry speaks TLS: remove "${registry}" from oci.insecure_registries, or use another name than its loopback address`;
  }
  if (status === 401) return `Log in with docker login ${registry} or podman login ${registry}`;
  if (status === 403) {
    return `Check that your user at ${registry} may do this, and that you are logged in`;
  }
  if (status === 404) {
    return "Check the name and the tag, and that you are logged in if it is private";
  }
  if (status === 429) {
    return `Wait, or log in with docker login ${registry}: registries allow more to known users`;
  }
  if (status >= 500) return "The registry has a problem; try again later";
  return "Look the code up in the registry's documentation or log";
}

/** Context for {@linkcode responseError}. */
export interface ResponseErrorOptions {
  /** The registry, as the user wrote it, for the hint. */
  readonly registry: string;
  /** The registry's origin: if another host refuses after a redirect, a login would not help. */
  readonly origin?: string | undefined;
}

/**
 * The error for an unexpected response: method, URL, status, and the registry's own code and message. Reads
 * at most 64 KiB of the body, shows at most 1 KiB of it, and discards the rest.
 */
export async function responseError(
  response: HttpResponse,
  options: ResponseErrorOptions,
): Promise<MiseOciError> {
  const { status, headers, request } = response;
  let body = "";
  try {
    const { bytes } = await response.head(MAX_ERROR_BODY);
    body = describeErrorBody(bytes, headers.get("content-type") ?? "");
  } catch {
    // The status is sufficient.
  }
  const reason = body === "" ? "" : `: ${body}`;
  const { origin = request.url.origin, registry } = options;
  const elsewhere = request.url.origin === origin || status >= 500
    ? undefined
    : `Registry "${registry}" redirects to ${request.url.host}, which refuses; try again later`;
  return new MiseOciError(
    CODES[status] ?? "registry",
    `${request.method} ${showUrl(request.url)} answered ${status}${reason}`,
    { hint: elsewhere ?? hintOfResponse(response, options.registry, body) },
  );
}
