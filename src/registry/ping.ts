/**
 * `GET /v2/`: whether a registry is there and lets us in.
 * @module
 */
import type { RegistryClient } from "./transport.ts";

/**
 * Asks the registry's root; logs in if the registry wants that.
 *
 * @throws {MiseOciError} `auth` if it refuses us, `registry` if it is no registry, `network` if it cannot
 * be reached.
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
