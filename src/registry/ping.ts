/**
 * `GET /v2/`: whether a registry can be reached and grants access.
 * @module
 */
import type { RegistryClient } from "./transport.ts";

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
