/**
 * Opens a client for a registry with the machine's settings, and checks whether the registry grants access.
 * @module
 */
import { formatReference, type Reference } from "../oci/mod.ts";
import { loadCaCerts } from "./connect.ts";
import { findCredentials } from "./credentials/find_credentials.ts";
import { createRegistryClient, type RegistryClient } from "./transport.ts";

/**
 * Requests the registry's root; logs in if required.
 *
 * @throws {MiseOciError} `auth` if access is refused, `registry` if it is not a registry, `network` if it
 * cannot be reached.
 */
export async function ping(client: RegistryClient, signal?: AbortSignal): Promise<void> {
  const response = await client.send({
    action: `use registry "${client.registry}"`,
    method: "GET",
    url: "/v2/",
    scopes: [],
    accept: [200],
    signal,
  });
  await response.discard();
}

/** Options of {@linkcode openRegistryClient}. */
export interface OpenClientOptions {
  /** Whether plain http is allowed; loopback registries may always use it. Default: false. */
  readonly insecure?: boolean;
  /** Aborts every request. */
  readonly signal?: AbortSignal;
}

/**
 * Opens a client for the registry of a reference with the credentials of `docker login` and
 * `podman login`, the machine's private certificate authorities and its proxies. The caller must close it.
 */
export async function openRegistryClient(
  reference: Reference,
  options: OpenClientOptions = {},
): Promise<RegistryClient> {
  const { registry, repository } = reference;
  const { insecure = false, signal } = options;
  const env = (name: string): string | undefined => Deno.env.get(name) || undefined;
  return createRegistryClient({
    registry,
    insecure,
    env,
    caCerts: await loadCaCerts(registry, { env }),
    credentials: () =>
      findCredentials(formatReference({ registry, repository }), {
        env,
        ...(signal === undefined ? {} : { signal }),
      }),
    ...(signal === undefined ? {} : { signal }),
  });
}
