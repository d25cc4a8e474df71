/**
 * Creates connections: directly or through a proxy, with the trusted certificate authorities, a registry's
 * private ones included.
 * @module
 */
import { CERTIFICATE_BUNDLES } from "../oci/image_path.ts";
import { join } from "@std/path";
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

/** Options of {@linkcode loadCaCerts}. */
export interface LoadCaCertsOptions {
  /** Reads an environment variable (`SSL_CERT_FILE`). */
  readonly env: Env;
  /** Directories of certificates by registry host; default: docker's and podman's. */
  readonly certsDirs?: readonly string[];
  /** The machine's own bundle: the first of these that exists; default: the paths of Linux and BSD. */
  readonly systemBundles?: readonly string[];
}

const CERTS_DIRS = ["/etc/docker/certs.d", "/etc/containers/certs.d"];

const BEGIN = "-----BEGIN CERTIFICATE-----";

async function maybeRead(path: string): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(path);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound || cause instanceof Deno.errors.NotADirectory) {
      return undefined;
    }
    const denied = cause instanceof Deno.errors.NotCapable;
    throw new MiseOciError(denied ? "permission" : "io", `Cannot read CA certificates "${path}"`, {
      hint: denied ? `Run with --allow-read=${path}` : "Check the file and its permissions",
      cause,
    });
  }
}

function checkPem(text: string, path: string): string {
  if (text.includes(BEGIN)) return text;
  throw new MiseOciError(
    "config",
    `Cannot use CA certificates "${path}": no PEM certificate in it`,
    {
      hint: "The file must hold certificates between BEGIN CERTIFICATE and END CERTIFICATE lines",
    },
  );
}

/**
 * The additional certificates (PEM) to trust for a registry: `HOST[:PORT]/ca.crt` in docker's and podman's
 * `certs.d`, and the file in `SSL_CERT_FILE`, which must exist. Without that variable, the machine's own
 * bundle: Deno has its own list, which lacks authorities that a company has added.
 *
 * @throws {MiseOciError} `config` if a file holds no certificate or `SSL_CERT_FILE` is missing, `io` or
 * `permission` if one cannot be read.
 */
export async function loadCaCerts(
  registry: string,
  options: LoadCaCertsOptions,
): Promise<readonly string[]> {
  const { env, certsDirs = CERTS_DIRS, systemBundles = CERTIFICATE_BUNDLES } = options;
  const certs: string[] = [];
  for (const dir of certsDirs) {
    const path = join(dir, registry, "ca.crt");
    const text = await maybeRead(path);
    if (text !== undefined) certs.push(checkPem(text, path));
  }
  const file = env("SSL_CERT_FILE");
  if (file === undefined || file === "") return [...certs, ...await systemCerts(systemBundles)];
  const text = await maybeRead(file);
  if (text === undefined) {
    throw new MiseOciError("config", `Cannot find CA certificates "${file}"`, {
      hint: "SSL_CERT_FILE names a file that is not there",
    });
  }
  return [...certs, checkPem(text, file)];
}

/** The certificates of the machine are optional, so it is not an error if they cannot be read. */
async function systemCerts(bundles: readonly string[]): Promise<readonly string[]> {
  for (const path of bundles) {
    const text = await maybeRead(path).catch(() => undefined);
    if (text?.includes(BEGIN)) return [text];
  }
  return [];
}
