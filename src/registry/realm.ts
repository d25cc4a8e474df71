/**
 * Whether requests to a token realm are allowed, and whether credentials may be sent. The realm comes from
 * the registry's challenge: a compromised registry, or a proxy, could name any host.
 * @module
 */
import { MiseOciError } from "../errors.ts";
import { hostKind } from "./host.ts";
import { resolveTarget } from "./url_policy.ts";

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
  // Both on this machine; `resolveTarget` has refused any other mixture.
  if (hostKind(registry.hostname) === "loopback" && hostKind(realm.hostname) === "loopback") {
    return true;
  }
  const { getDomain } = await import("./public_suffix.ts");
  const [own, other] = [getDomain(registry.hostname), getDomain(realm.hostname)];
  return own !== undefined && other !== undefined &&
    (own === other || KNOWN_PAIRS.get(own) === other);
}
