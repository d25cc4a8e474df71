/**
 * Which URLs from a registry may be followed. The registry chooses redirects, upload locations and token
 * realms; these must not give it access to the user's own network (SSRF) or bypass TLS.
 * @module
 */
import { MiseOciError } from "../errors.ts";
import { hostAndPort, type HostKind, hostKind, showUrl } from "./host.ts";

/** Input of {@linkcode resolveTarget}. */
export interface TargetContext {
  /** The registry's own URL. */
  readonly registry: URL;
  /** The URL that answered; relative targets are relative to it. Default: the registry's. */
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
