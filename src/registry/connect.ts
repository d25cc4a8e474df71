/**
 * Creates connections: directly or through a proxy, with the trusted certificate authorities.
 * @module
 */
import { describeError, MiseOciError } from "../errors.ts";
import { hostKind } from "./host.ts";
import type { Fetch } from "./http.ts";

/** Reads an environment variable. */
export type Env = (name: string) => string | undefined;

/** What {@linkcode Connector} needs. */
export interface ConnectorOptions {
  /** Reads `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`. */
  readonly env: Env;
  /** Additional trusted certificate authorities, PEM. */
  readonly caCerts: readonly string[];
}

const PROXY_VARIABLES = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"];

/** Lower case first, as curl does; `HTTP_PROXY` could be set by a CGI request header, so not in CGI. */
function variable(env: Env, name: string): string | undefined {
  const value = env(name.toLowerCase()) ?? env(name);
  return value === undefined || value.trim() === "" ? undefined : value.trim();
}

/** Whether an entry of `NO_PROXY` covers a host: `*`, a name with all its subdomains, an address, `host:port`. */
function covers(entry: string, url: URL): boolean {
  if (entry === "*") return true;
  const host = url.hostname.replace(/^\[|\]$/g, "").toLowerCase();
  const port = url.port || (url.protocol === "https:" ? "443" : "80");
  const withPort = /^(.*):(\d+)$/.exec(entry);
  const bare = withPort !== null && !/^[0-9a-f:]+$/.test(entry) ? withPort : undefined;
  if (bare !== undefined && bare[2] !== port) return false;
  const name = (bare?.[1] ?? entry).replace(/^\[|\]$/g, "").replace(/^\*?\./, "");
  return name !== "" && (host === name || host.endsWith(`.${name}`)) || inNetwork(entry, host);
}

/** `10.0.0.0/8` and the like. */
function inNetwork(entry: string, host: string): boolean {
  const network = /^(\d+\.\d+\.\d+\.\d+)\/(\d+)$/.exec(entry);
  if (network === null || !/^\d+(?:\.\d+){3}$/.test(host)) return false;
  const number = (text: string): number =>
    text.split(".").reduce((sum, octet) => sum * 256 + Number(octet), 0);
  const size = 2 ** (32 - Math.min(32, Number(network[2])));
  return Math.floor(number(host) / size) === Math.floor(number(network[1] ?? "") / size);
}

/**
 * The proxy for a URL, or `undefined` for a direct connection. Loopback hosts never go through a proxy:
 * the proxy's loopback is another machine's.
 *
 * @throws {MiseOciError} `config` if the variable is not a proxy URL; its password is not shown.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { proxyFor } from "./connect.ts";
 *
 * const env = (name: string) => name === "HTTPS_PROXY" ? "http://proxy:3128" : undefined;
 * assertEquals(proxyFor(new URL("https://ghcr.io/"), env)?.href, "http://proxy:3128/");
 * assertEquals(proxyFor(new URL("https://localhost:5000/"), env), undefined);
 * ```
 */
export function proxyFor(url: URL, env: Env): URL | undefined {
  if (hostKind(url.hostname) === "loopback") return undefined;
  const bypass = (variable(env, "NO_PROXY") ?? "").toLowerCase().split(/[\s,]+/).filter(Boolean);
  if (bypass.some((entry) => covers(entry, url))) return undefined;
  const name = url.protocol === "https:" ? "HTTPS_PROXY" : "HTTP_PROXY";
  const value = variable(env, name) ?? variable(env, "ALL_PROXY");
  if (value === undefined) return undefined;
  try {
    return new URL(/^[a-z0-9]+:\/\//i.test(value) ? value : `http://${value}`);
  } catch {
    throw new MiseOciError("config", `Cannot use proxy ${showProxy(value)}: it is not a URL`, {
      hint: `Set ${name} to http://HOST:PORT`,
    });
  }
}

/** A proxy for messages: without user and password. */
export function showProxy(proxy: URL | string): string {
  return JSON.stringify(String(proxy).replace(/^([a-z0-9]+:\/\/)?.*@/i, "$1***@"));
}

/**
 * A client without a proxy. Deno uses the proxy from the environment for every client without one, even for
 * loopback hosts, and reads it when the client is created, so the variables are unset for that moment.
 * (`NO_PROXY=*` is not sufficient: it does not apply to addresses.)
 */
function createDirectClient(options: Deno.CreateHttpClientOptions): Deno.HttpClient {
  const names = [...PROXY_VARIABLES, ...PROXY_VARIABLES.map((name) => name.toLowerCase())];
  const saved = names.map((name) => [name, maybeProcessEnv(name)] as const)
    .filter((entry): entry is readonly [string, string] => entry[1] !== undefined);
  try {
    for (const [name] of saved) Deno.env.delete(name);
    return Deno.createHttpClient(options);
  } finally {
    for (const [name, value] of saved) Deno.env.set(name, value);
  }
}

/** A variable of the process; one that may not be read is treated as unset. */
function maybeProcessEnv(name: string): string | undefined {
  try {
    return Deno.env.get(name);
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) return undefined;
    throw error;
  }
}

/** A connection through a proxy failed. */
export class ProxyError extends Error {
  override readonly name = "ProxyError";

  /** Has the message of the cause. */
  constructor(readonly proxy: URL, cause: unknown) {
    super(describeError(cause), { cause });
  }
}

/** Creates connections, and keeps the clients with their connection pools. */
export class Connector {
  readonly #clients = new Map<string, Deno.HttpClient>();
  readonly #options: ConnectorOptions;

  /** Connects nowhere yet. */
  constructor(options: ConnectorOptions) {
    this.#options = options;
  }

  /** `fetch` over the right connection for the URL. @throws {ProxyError} if the proxy fails. */
  readonly fetch: Fetch = async (url, init) => {
    const target = new URL(url);
    try {
      return await fetch(target, { ...init, client: this.#client(target) } as RequestInit);
    } catch (cause) {
      const proxy = proxyFor(target, this.#options.env);
      if (proxy === undefined || !describeError(cause).includes("(Connect)")) throw cause;
      throw new ProxyError(proxy, cause);
    }
  };

  #client(url: URL): Deno.HttpClient {
    const { env, caCerts } = this.#options;
    const proxy = proxyFor(url, env);
    // Reading a machine's 150 authorities takes milliseconds, and is not needed for plain http.
    const plain = proxy === undefined && url.protocol === "http:";
    const key = plain ? "plain" : proxy?.href ?? "";
    const known = this.#clients.get(key);
    if (known !== undefined) return known;
    const options = { caCerts: plain ? [] : [...caCerts], poolIdleTimeout: 30_000 };
    const made = proxy === undefined
      ? createDirectClient(options)
      : Deno.createHttpClient({ ...options, proxy: proxyOptions(proxy) });
    this.#clients.set(key, made);
    return made;
  }

  /** Closes every connection. */
  close(): void {
    for (const client of this.#clients.values()) client.close();
    this.#clients.clear();
  }
}

function proxyOptions(proxy: URL): Deno.Proxy {
  if (proxy.username === "") return { url: proxy.href };
  const bare = new URL(proxy);
  bare.username = "";
  bare.password = "";
  return {
    url: bare.href,
    basicAuth: {
      username: decodeURIComponent(proxy.username),
      password: decodeURIComponent(proxy.password),
    },
  };
}
