/**
 * A token server (distribution, "Token Authentication Specification").
 * @module
 */
import type { Reply, ServerRequest } from "./exchange.ts";
import { type Server, type ServerOptions, startServer } from "./http_server.ts";

/** Options of {@linkcode startTokenServer}. */
export interface TokenServerOptions {
  /** Who may log in; without it only anonymous tokens are given. */
  readonly user?: { readonly username: string; readonly password: string };
  /** Identity token that POST exchanges. */
  readonly identityToken?: string;
  /** Life of a token in seconds; default 300. */
  readonly expiresIn?: number;
  /** Whether anonymous requests get a token (for `pull` only); default true. */
  readonly anonymous?: boolean;
  /** Where time comes from; default the machine's clock. */
  readonly now?: () => number;
  /** Speaks TLS. */
  readonly tls?: ServerOptions["tls"];
}

/** A token that was given. */
export interface GivenToken {
  /** The token. */
  readonly token: string;
  /** `repository:NAME:pull,push` each. */
  readonly scopes: readonly string[];
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
  /** Who it was given to. */
  readonly who: "anonymous" | "user" | "identity";
}

/** A running token server. */
export interface TokenServer extends Server {
  /** `http://host:port/token`. */
  readonly realm: string;
  /** Tokens given so far. */
  readonly given: readonly GivenToken[];
  /** Whether a token is good for an action. */
  allows(token: string, repository: string, action: string): boolean;
  /** Makes all tokens given so far worthless. */
  revoke(): void;
}

function who(request: ServerRequest, options: TokenServerOptions): GivenToken["who"] | undefined {
  const { user, identityToken, anonymous = true } = options;
  if (request.method === "POST") {
    const form = new URLSearchParams(new TextDecoder().decode(request.body));
    const good = form.get("grant_type") === "refresh_token" && identityToken !== undefined &&
      form.get("refresh_token") === identityToken;
    return good ? "identity" : undefined;
  }
  const header = request.headers.get("authorization");
  if (header === null) return anonymous ? "anonymous" : undefined;
  const text = new TextDecoder().decode(
    Uint8Array.from(atob(header.replace(/^Basic /, "")), (char) => char.charCodeAt(0)),
  );
  if (user !== undefined && text === `${user.username}:${user.password}`) return "user";
  return identityToken !== undefined && text === `<token>:${identityToken}`
    ? "identity"
    : undefined;
}

function scopesOf(request: ServerRequest): string[] {
  const fromForm = request.method === "POST"
    ? new URLSearchParams(new TextDecoder().decode(request.body)).get("scope")?.split(" ") ?? []
    : [];
  return [...request.query.getAll("scope").flatMap((scope) => scope.split(" ")), ...fromForm];
}

/** Starts a token server. */
export function startTokenServer(options: TokenServerOptions = {}): TokenServer {
  const { expiresIn = 300, now = Date.now } = options;
  const given: GivenToken[] = [];
  const revoked = new Set<string>();
  const handle = (request: ServerRequest): Reply => {
    const person = who(request, options);
    if (person === undefined) {
      return {
        status: 401,
        headers: { "content-type": "application/json" },
        body: '{"details":"incorrect username or password"}',
      };
    }
    const scopes = scopesOf(request).map((scope) =>
      person === "anonymous" ? scope.replace(/:[^:]*$/, ":pull") : scope
    );
    const token = `token-${given.length + 1}-${crypto.randomUUID()}`;
    given.push({ token, scopes, expiresAt: now() + expiresIn * 1000, who: person });
    return {
      status: 200,
      headers: { "content-type": "application/json" },
      body: JSON.stringify(
        request.method === "POST"
          ? { access_token: token, expires_in: expiresIn }
          : { token, expires_in: expiresIn },
      ),
    };
  };
  const server = startServer({
    handle,
    ...(options.tls === undefined ? {} : { tls: options.tls }),
  });
  return Object.assign(server, {
    realm: `${server.url}/token`,
    given,
    allows: (token: string, repository: string, action: string): boolean => {
      const entry = given.find((one) => one.token === token);
      if (entry === undefined || revoked.has(token) || entry.expiresAt <= now()) return false;
      if (repository === "") return true;
      return entry.scopes.some((scope) => {
        const [, name, actions = ""] = /^repository:(.*):([^:]*)$/.exec(scope) ?? [];
        return name === repository && actions.split(",").includes(action);
      });
    },
    revoke: (): void => {
      for (const { token } of given) revoked.add(token);
    },
  });
}
