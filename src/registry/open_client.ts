/**
 * Opens a client for a registry with the machine's settings.
 * @module
 */
import { formatReference, type Reference } from "../oci/mod.ts";
import { loadCaCerts } from "./connect.ts";
import { findCredentials } from "./credentials/find_credentials.ts";
import { createRegistryClient, type RegistryClient } from "./transport.ts";

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
