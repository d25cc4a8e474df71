/**
 * The address of a registry, and the kind of address of a host.
 * @module
 */
import { MiseOciError } from "../errors.ts";
import { DOCKER_HUB } from "../oci/mod.ts";

/** The kind of a host name or address literal, without DNS. */
export type HostKind = "public" | "loopback" | "private" | "link-local" | "reserved";

function kindOfV4(octets: readonly number[]): HostKind {
  const [a = 0, b = 0, c = 0] = octets;
  if (a === 127) return "loopback";
  if (a === 169 && b === 254) return "link-local";
  if (a === 0 || a >= 224) return "reserved";
  if (a === 10 || (a === 172 && b >= 16 && b < 32) || (a === 192 && b === 168)) return "private";
  if ((a === 100 && b >= 64 && b < 128) || (a === 198 && (b === 18 || b === 19))) return "private";
  return a === 192 && b === 0 && c === 0 ? "reserved" : "public";
}

/** The eight groups of an IPv6 address in the form of the URL parser, which never contains dotted IPv4. */
function groupsOfV6(text: string): number[] {
  const [head = "", tail] = text.split("::");
  const read = (part: string): number[] =>
    part === "" ? [] : part.split(":").map((group) => parseInt(group, 16));
  const front = read(head);
  if (tail === undefined) return front;
  const back = read(tail);
  return [...front, ...new Array<number>(8 - front.length - back.length).fill(0), ...back];
}

function kindOfV6(groups: readonly number[]): HostKind {
  const [first = 0, second = 0] = groups;
  const embedded = (at: number): HostKind =>
    kindOfV4([groups[at] ?? 0, groups[at + 1] ?? 0].flatMap((g) => [g >> 8, g & 255]));
  if (groups.slice(0, 7).every((g) => g === 0) && groups[7] === 1) return "loopback";
  if (groups.every((g) => g === 0)) return "reserved";
  if (groups.slice(0, 5).every((g) => g === 0) && groups[5] === 0xffff) return embedded(6);
  if (groups.slice(0, 6).every((g) => g === 0)) return embedded(6);
  if (first === 0x64 && second === 0xff9b) return embedded(6);
  if (first === 0x2002) return embedded(1);
  if ((first & 0xffc0) === 0xfe80) return "link-local";
  if ((first & 0xfe00) === 0xfc00 || (first & 0xffc0) === 0xfec0) return "private";
  return (first & 0xff00) === 0xff00 ? "reserved" : "public";
}

/**
 * The kind of a URL's `hostname`. The URL parser has already turned `2130706433`, `0x7f.1` and
 * `[::ffff:127.0.0.1]` into their usual forms. A name other than `localhost` is `public`: DNS is not used,
 * because its answer can change between the check and the connection.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { hostKind } from "./host.ts";
 *
 * assertEquals(hostKind(new URL("http://2130706433/").hostname), "loopback");
 * assertEquals(hostKind("ghcr.io"), "public");
 * ```
 */
export function hostKind(hostname: string): HostKind {
  const name = hostname.toLowerCase().replace(/\.$/, "");
  if (name === "localhost" || name.endsWith(".localhost")) return "loopback";
  if (name.startsWith("[")) return kindOfV6(groupsOfV6(name.slice(1, -1)));
  return /^\d+(?:\.\d+){3}$/.test(name) ? kindOfV4(name.split(".").map(Number)) : "public";
}

/**
 * The address of a registry: `https://HOST[:PORT]/`; http only for loopback hosts and if `insecure`.
 * `docker.io` is served by `registry-1.docker.io`.
 *
 * @throws {MiseOciError} `usage` if the text is not a host.
 */
export function registryUrl(registry: string, options: { readonly insecure: boolean }): URL {
  const host = registry === DOCKER_HUB ? "registry-1.docker.io" : registry;
  let url: URL;
  try {
    url = new URL(`https://${host}/`);
  } catch (cause) {
    throw new MiseOciError("usage", `Cannot use registry ${JSON.stringify(registry)}`, { cause });
  }
  if (url.pathname !== "/" || url.username !== "" || url.search !== "" || url.hash !== "") {
    throw new MiseOciError(
      "usage",
      `Cannot use registry ${JSON.stringify(host.split("@").pop())}`,
      {
        hint: "A registry is HOST or HOST:PORT, without a scheme, user or path",
      },
    );
  }
  const plain = options.insecure || hostKind(url.hostname) === "loopback";
  return plain ? new URL(`http://${host}/`) : url;
}

/** `host:port`, always with the port, for messages and comparisons. */
export function hostAndPort(url: URL): string {
  return `${url.hostname}:${url.port || (url.protocol === "https:" ? "443" : "80")}`;
}

/** A URL without user, query and fragment, which may contain secrets (signed URLs). */
export function showUrl(url: URL): string {
  return `${url.protocol}//${url.host}${url.pathname}`;
}
