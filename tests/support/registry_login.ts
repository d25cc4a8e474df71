/**
 * Registries that want a login, and requests to them.
 * @module
 */
import type { Credentials } from "../../src/registry/credentials_type.ts";
import type { RegistryClientOptions, RegistryRequest } from "../../src/registry/transport.ts";
import {
  type FaultRegistryOptions,
  startFaultRegistry,
  startServer,
  startTokenServer,
} from "./faultreg/mod.ts";

/** A user; neither part is plain ASCII without a colon. */
export const USER = { username: "user", password: "geheim:ü" };
/** Their credentials. */
export const BASIC: Credentials = { kind: "basic", ...USER };

/** A request for the manifest `1` of a repository. */
export function pull(repository = "app"): RegistryRequest {
  return {
    action: `fetch manifest "${repository}:1"`,
    method: "GET",
    url: `/v2/${repository}/manifests/1`,
    scopes: [{ repository, actions: ["pull"] }],
    accept: [200],
  };
}

/** Client options with these credentials. */
export const as = (credentials: Credentials): Partial<RegistryClientOptions> => ({
  credentials: () => Promise.resolve(credentials),
});

/** A registry that gives this challenge to everyone but the bearer of `good`. */
export function challenging(header: string): ReturnType<typeof startServer> {
  return startServer({
    handle: ({ headers }) =>
      headers.get("authorization") === "Bearer good"
        ? { status: 200 }
        : { status: 401, headers: { "www-authenticate": header } },
  });
}

/** A registry with images `app:1` and `other:1`, and its token server. */
export function withTokens(options: Parameters<typeof startTokenServer>[0] = {}): {
  tokens: ReturnType<typeof startTokenServer>;
  registry: ReturnType<typeof startFaultRegistry>;
} & AsyncDisposable {
  const tokens = startTokenServer(options);
  const auth: FaultRegistryOptions["auth"] = { kind: "bearer", tokens };
  const registry = startFaultRegistry({ auth });
  registry.content.addImage("app", { tag: "1" });
  registry.content.addImage("other", { tag: "1" });
  return {
    tokens,
    registry,
    [Symbol.asyncDispose]: async () => {
      await registry[Symbol.asyncDispose]();
      await tokens[Symbol.asyncDispose]();
    },
  };
}
