/**
 * The `Authorization` header of requests to the registry: determined by the registry's challenges, kept for
 * the life of the client, and sent to no other host.
 * @module
 */
import { MiseOciError } from "../errors.ts";
import { rememberSecret } from "../masking.ts";
import { parseChallenges } from "./challenge.ts";
import type { Credentials, CredentialsProvider } from "./credentials_type.ts";
import { responseError, shorten } from "./failure.ts";
import { hostKind } from "./host.ts";
import type { HttpResponse } from "./http.ts";
import { checkRealm } from "./url_policy.ts";
import { basicAuthorization, fetchToken, type TokenContext } from "./token.ts";

/** The access that a request needs. */
export interface Scope {
  /** Repository. */
  readonly repository: string;
  /** Actions, `["pull"]` or `["pull", "push"]`. */
  readonly actions: readonly ("pull" | "push" | "delete")[];
}

/** The authentication state of a client. */
type Scheme =
  | { readonly kind: "bearer"; readonly realm: URL; readonly service: string | undefined }
  | { readonly kind: "fixed"; readonly header: string };

interface CachedToken {
  readonly header: string;
  readonly expiresAt: number;
}

/** Counts the authentication attempts of one operation. Create a new one for each operation. */
export interface AuthBudget {
  /** Tokens fetched. */
  fetches: number;
}

/**
 * Maximum number of tokens per operation: one, and another if the first is expired or its scope is too
 * narrow.
 */
const MAX_FETCHES = 2;
/** A token is not used in its last seconds: the request takes time too. */
const EXPIRY_MARGIN_MS = 10_000;

/** What {@linkcode Authenticator} needs. */
export interface AuthenticatorOptions extends TokenContext {
  /** The registry's own URL. */
  readonly url: URL;
  /** Finds the credentials; called once, when the registry first requires some. */
  readonly credentials: CredentialsProvider;
  /** Hosts besides the registry's own to which its credentials may be sent. */
  readonly trustedRealms: readonly string[];
  /** Warnings. */
  readonly warn: (text: string) => void;
}

/** Formats a scope as in the specification, with the actions in its order. */
export function formatScope(scope: Scope): string {
  return `repository:${scope.repository}:${scope.actions.join(",")}`;
}

/** The registry requires a login, and there are no credentials for it. */
export class NoLoginError extends MiseOciError {}

/** Authenticates the requests of one client to one registry. */
export class Authenticator {
  readonly #options: AuthenticatorOptions;
  readonly #tokens = new Map<string, CachedToken>();
  readonly #pending = new Map<string, Promise<CachedToken>>();
  #scheme: Scheme | undefined;
  #found: Promise<Credentials | undefined> | undefined;

  /** Has no state yet: the first request is sent without credentials. */
  constructor(options: AuthenticatorOptions) {
    this.#options = options;
  }

  /** The header for a request; fetches a token if the registry is known to require one. */
  async header(scopes: readonly Scope[], budget: AuthBudget): Promise<string | undefined> {
    const scheme = this.#scheme;
    if (scheme === undefined) return undefined;
    if (scheme.kind === "fixed") return scheme.header;
    const key = this.#key(scopes);
    const cached = this.#tokens.get(key);
    if (cached !== undefined && cached.expiresAt > this.#options.clock.now()) return cached.header;
    if (key === "") return undefined;
    if (budget.fetches >= MAX_FETCHES) return cached?.header;
    return (await this.#renew(scheme, scopes.map(formatScope), { key, budget })).header;
  }

  /**
   * Handles a 401: afterwards `header` returns a value other than `sent`, so the request can be sent again.
   *
   * @throws {MiseOciError} `auth` if there is nothing left to try.
   */
  async answer(
    response: HttpResponse,
    request: {
      readonly scopes: readonly Scope[];
      readonly sent: string | undefined;
      readonly budget: AuthBudget;
    },
  ): Promise<void> {
    const { registry } = this.#options;
    const { scopes, sent, budget } = request;
    const challenges = parseChallenges(response.headers.get("www-authenticate"));
    const refused = await responseError(response, { registry });
    const credentials = await this.#credentials();
    if (credentials?.kind === "registry-token") {
      return this.#fix(`Bearer ${credentials.token}`, sent, refused);
    }
    const bearer = challenges.find(({ scheme, params }) =>
      scheme === "bearer" && params.has("realm")
    );
    if (bearer !== undefined) {
      const scheme = await this.#bearer(bearer.params, credentials);
      this.#scheme = scheme;
      const key = this.#key(scopes);
      const cached = this.#tokens.get(key);
      // Another request has renewed it in the meantime.
      if (cached !== undefined && cached.header !== sent) return;
      const stated = (bearer.params.get("scope") ?? "").split(" ").filter((scope) => scope !== "");
      const own = scopes.map(formatScope);
      const wider = stated.filter((scope) => !own.includes(scope));
      const fresh = budget.fetches > 0;
      if (budget.fetches >= MAX_FETCHES || (fresh && wider.length === 0)) {
        throw this.#tooNarrow(scopes, credentials, refused);
      }
      // Some registries use another name for the repository than the URL does; the scope of their challenge
      // is requested too if ours is refused.
      const wanted = fresh || own.length === 0 ? [...own, ...wider] : own;
      await this.#renew(scheme, wanted, { key, budget });
      return;
    }
    if (!challenges.some(({ scheme }) => scheme === "basic")) {
      throw this.#cannotAnswer(challenges, refused);
    }
    if (credentials === undefined) throw this.#nobody(refused);
    if (credentials.kind !== "basic") throw this.#cannotAnswer(challenges, refused);
    this.#fix(basicAuthorization(credentials.username, credentials.password), sent, refused);
  }

  /**
   * The error for a token that was granted and is not sufficient: the login is correct, but access is
   * missing.
   */
  #tooNarrow(
    scopes: readonly Scope[],
    credentials: Credentials | undefined,
    refused: MiseOciError,
  ): MiseOciError {
    const { registry } = this.#options;
    if (credentials === undefined) return this.#nobody(refused);
    const wanted = scopes.map(({ repository, actions }) =>
      `${actions.join(" and ")} "${repository}"`
    );
    return new MiseOciError(
      "auth",
      `Registry "${registry}" knows the stored credentials, but they may not ${
        wanted.join(", ") || "do this"
      }: ${refused.message}`,
      {
        hint: "Ask for that access, or log in as a user, or with a token, that has it",
        cause: refused,
      },
    );
  }

  /** The error without stored credentials. */
  #nobody(refused: MiseOciError): MiseOciError {
    return new NoLoginError(
      "auth",
      `Registry "${this.#options.registry}" requires a login, but no credentials for it are stored: ` +
        refused.message,
      { cause: refused, ...(refused.hint === undefined ? {} : { hint: refused.hint }) },
    );
  }

  #fix(header: string, sent: string | undefined, refused: MiseOciError): void {
    const { registry, url } = this.#options;
    if (sent === header) {
      const what = header.startsWith("Bearer ")
        ? "stored access token, which may have expired"
        : "stored credentials";
      throw new MiseOciError(
        "auth",
        `Registry "${registry}" refuses the ${what}: ${refused.message}`,
        {
          hint: `Log in again with docker login ${registry} or podman login ${registry}`,
        },
      );
    }
    if (this.#scheme === undefined) this.#warnPlain(url);
    this.#scheme = { kind: "fixed", header };
  }

  #warnPlain(target: URL): void {
    if (target.protocol === "https:" || hostKind(target.hostname) === "loopback") return;
    this.#options.warn(
      `Credentials for registry "${this.#options.registry}" are sent over plain http, readable on the way`,
    );
  }

  #cannotAnswer(challenges: readonly { scheme: string }[], refused: MiseOciError): MiseOciError {
    const schemes = challenges.map(({ scheme }) => scheme).slice(0, 4).join(", ");
    const why = schemes === ""
      ? "it does not say how to log in"
      : `the stored credentials do not fit how it wants to log in (${shorten(schemes)})`;
    return new MiseOciError("auth", `${refused.message}; ${why}`, {
      ...(refused.hint === undefined ? {} : { hint: refused.hint }),
      cause: refused,
    });
  }

  async #bearer(
    params: ReadonlyMap<string, string>,
    credentials: Credentials | undefined,
  ): Promise<Scheme & { kind: "bearer" }> {
    const { url, trustedRealms } = this.#options;
    const realm = await checkRealm(params.get("realm") ?? "", {
      registry: url,
      withCredentials: credentials !== undefined,
      trusted: trustedRealms,
    });
    if (credentials !== undefined && this.#scheme === undefined) this.#warnPlain(realm);
    return { kind: "bearer", realm, service: params.get("service") };
  }

  /** Fetches a token, once for all concurrent requests that need the same one. */
  async #renew(
    scheme: Scheme & { kind: "bearer" },
    scopes: readonly string[],
    use: { readonly key: string; readonly budget: AuthBudget },
  ): Promise<CachedToken> {
    use.budget.fetches++;
    const flight = `${scheme.realm.href} ${scheme.service ?? ""} ${scopes.join(" ")}`;
    const running = this.#pending.get(flight) ?? this.#fetch(scheme, scopes);
    this.#pending.set(flight, running);
    try {
      const token = await running;
      this.#tokens.set(use.key, token);
      return token;
    } finally {
      this.#pending.delete(flight);
    }
  }

  async #fetch(
    scheme: Scheme & { kind: "bearer" },
    scopes: readonly string[],
  ): Promise<CachedToken> {
    const { clock } = this.#options;
    const { realm, service } = scheme;
    const credentials = await this.#credentials();
    const requestedAt = clock.now();
    const { token, lifeSeconds } = await fetchToken(
      { realm, service, scopes, credentials },
      this.#options,
    );
    return {
      header: `Bearer ${token}`,
      expiresAt: requestedAt + lifeSeconds * 1000 - EXPIRY_MARGIN_MS,
    };
  }

  #key(scopes: readonly Scope[]): string {
    return scopes.map(formatScope).sort().join(" ");
  }

  #credentials(): Promise<Credentials | undefined> {
    this.#found ??= this.#options.credentials(this.#options.registry).then((credentials) => {
      // A server may repeat the request in its error.
      if (credentials !== undefined) {
        rememberSecret(credentials.kind === "basic" ? credentials.password : credentials.token);
        if (credentials.kind === "basic") {
          rememberSecret(`${credentials.username}:${credentials.password}`);
        }
      }
      return credentials;
    });
    return this.#found;
  }
}
