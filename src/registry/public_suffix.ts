/**
 * Registrable domains according to the Public Suffix List; loaded only if a realm is on another host.
 * @module
 */
import { getDomain as lookUp } from "npm:tldts@7.5.4";

/**
 * The registrable domain of a host name, with the list's private section (`github.io` is a suffix);
 * `undefined` for an IP address, a public suffix itself and a name without a dot.
 */
export function getDomain(hostname: string): string | undefined {
  return lookUp(hostname, { allowPrivateDomains: true }) ?? undefined;
}
