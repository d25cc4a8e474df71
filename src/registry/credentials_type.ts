/**
 * The credentials that the transport uses, independent of their source.
 * @module
 */

/**
 * How to log in to one registry.
 *
 * - `basic`: user name and password, as `docker login` stores them.
 * - `identity`: an identity (refresh) token: exchanged for access tokens at the registry's token
 *   endpoint (Docker's `identitytoken`, a credential helper's user name `<token>`).
 * - `registry-token`: an access token that is sent to the registry as it is (Docker's `registrytoken`).
 */
export type Credentials =
  | { readonly kind: "basic"; readonly username: string; readonly password: string }
  | { readonly kind: "identity"; readonly token: string }
  | { readonly kind: "registry-token"; readonly token: string };

/**
 * Finds the credentials of a registry (`host[:port]` as in a parsed reference; `docker.io` for Docker Hub).
 * `undefined` means anonymous. Called at most once per client, and only when a registry requires a login.
 */
export type CredentialsProvider = (registry: string) => Promise<Credentials | undefined>;
