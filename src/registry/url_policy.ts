/**
 * Which URLs from a registry may be followed, and over which protocol. The registry chooses redirects, upload
 * locations and token realms; these must not give it access to the user's own network (SSRF) or bypass TLS.
 * @module
 */
import { MiseOciError } from "../errors.ts";
import { networkFailure } from "./failure.ts";
import { hostAndPort, type HostKind, hostKind, showUrl } from "./host.ts";
import { exchange, type Fetch } from "./http.ts";

/** Input of {@linkcode resolveTarget}. */
export interface TargetContext {
  /** The registry's own URL. */
  readonly registry: URL;
  /** The URL that returned the target, which may be relative to it. Default: the registry's. */
  readonly from?: URL;
  /** The kind of target, for messages: `redirect`, `upload location`, `token realm`. */
  readonly what: string;
}

function refuse(context: TargetContext, shown: string, why: string, hint?: string): never {
  throw new MiseOciError(
    "registry",
    `Refusing ${context.what} of registry "${context.registry.host}" to ${
      JSON.stringify(shown.slice(0, 200))
    }: ${why}`,
    { hint: hint ?? "The registry or something in front of it is set up wrongly, or hostile" },
  );
}

/** The kinds of address literals that a registry of each kind may name in addition to its own. */
const REACHABLE: Readonly<Record<HostKind, readonly HostKind[]>> = {
  public: ["public"],
  reserved: ["public"],
  "link-local": ["public"],
  private: ["public", "private"],
  loopback: ["public", "private", "loopback"],
};

/**
 * Parses and checks a URL that a registry names. Plain http is followed only if the registry itself is used
 * over http; loopback, private, link-local and unspecified addresses only if they are the registry's own
 * `host:port`, or not more private than the registry (a loopback registry may name another port of this
 * machine).
 *
 * @throws {MiseOciError} `registry` naming the registry, the target without its query, and the reason.
 */
export function resolveTarget(location: string, context: TargetContext): URL {
  const { registry, from = registry } = context;
  let url: URL;
  try {
    url = new URL(location, from);
  } catch {
    return refuse(context, location.split(/[?#]/)[0] ?? "", "it is not a URL");
  }
  const shown = showUrl(url);
  if (url.protocol !== "https:" && url.protocol !== "http:") {
    refuse(context, url.protocol, "it is neither http nor https");
  }
  if (url.username !== "" || url.password !== "") {
    refuse(context, shown, "it contains a user or password");
  }
  if (url.protocol === "http:" && (registry.protocol === "https:" || from.protocol === "https:")) {
    refuse(
      context,
      shown,
      "it leaves https for http",
      "If a proxy in front of the registry ends TLS, let it pass X-Forwarded-Proto on",
    );
  }
  if (hostAndPort(url) === hostAndPort(registry)) return url;
  const kind = hostKind(url.hostname);
  if (!REACHABLE[hostKind(registry.hostname)].includes(kind)) {
    refuse(context, shown, `it is a ${kind} address`);
  }
  return url;
}

/**
 * Well-known registries whose token host is in another domain: registrable domain of the registry → of the
 * realm.
 */
const KNOWN_PAIRS: ReadonlyMap<string, string> = new Map([
  ["scw.cloud", "scaleway.com"],
]);

/** Input of {@linkcode checkRealm}. */
export interface RealmContext {
  /** The registry's own URL. */
  readonly registry: URL;
  /** Whether credentials would be sent. */
  readonly withCredentials: boolean;
  /** Additional hosts (`host[:port]`) to which the user allows credentials to be sent. */
  readonly trusted: readonly string[];
}

/**
 * Parses and checks the realm of a Bearer challenge: the rules of `resolveTarget` apply, and credentials are
 * sent only to the registry's own host, another host of the same registrable domain (by the Public Suffix
 * List, so that two customers of one provider are not "the same"), a known pair, or a trusted host.
 *
 * @throws {MiseOciError} `registry` if the realm is refused, `auth` if only credentials are.
 */
export async function checkRealm(realm: string, context: RealmContext): Promise<URL> {
  const { registry, withCredentials, trusted } = context;
  if (!/^https?:\/\//i.test(realm)) {
    // A realm is an absolute URL; a relative one is a mistake that `new URL` would hide.
    throw new MiseOciError(
      "registry",
      `Refusing token realm of registry "${registry.host}": ${
        JSON.stringify(realm.split(/[?#]/)[0]?.slice(0, 100))
      } is not an http or https URL`,
    );
  }
  const url = resolveTarget(realm, { registry, what: "token realm" });
  if (!withCredentials || await mayHaveCredentials(url, registry, trusted)) return url;
  throw new MiseOciError(
    "auth",
    `Refusing to send the credentials of registry "${registry.host}" to token server "${url.host}"`,
    {
      hint:
        `If that is the registry's token server, set MISE_OCI_TRUSTED_REALMS=${url.host}; otherwise remove the credentials`,
    },
  );
}

async function mayHaveCredentials(
  realm: URL,
  registry: URL,
  trusted: readonly string[],
): Promise<boolean> {
  if (realm.hostname === registry.hostname || trusted.includes(realm.host)) return true;
  // Both are on this machine; `resolveTarget` has refused other combinations.
  if (hostKind(registry.hostname) === "loopback" && hostKind(realm.hostname) === "loopback") {
    return true;
  }
  const { getDomain } = await import("./public_suffix.ts");
  const [own, other] = [getDomain(registry.hostname), getDomain(realm.hostname)];
  return own !== undefined && other !== undefined &&
    (own === other || KNOWN_PAIRS.get(own) === other);
}

/** Time limit for the TLS handshake with a server on this machine, in milliseconds. */
const PROBE_MS = 1_000;

/** The same URL with https. */
export function overTls(url: URL): URL {
  return new URL(url.href.replace(/^http:/, "https:"));
}

/**
 * Requests a registry's root over TLS.
 *
 * @throws the error of `fetch` for an untrusted certificate, which means that the server uses TLS.
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
