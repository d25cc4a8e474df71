/**
 * Private certificate authorities of a registry.
 * @module
 */
import { join } from "@std/path";
import { MiseOciError } from "../errors.ts";
import type { Env } from "./connect.ts";

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
/** Debian and Arch, Fedora and RHEL, openSUSE, Alpine and BSD. */
const SYSTEM_BUNDLES = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/ssl/ca-bundle.pem",
  "/etc/ssl/cert.pem",
];

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
  const { env, certsDirs = CERTS_DIRS, systemBundles = SYSTEM_BUNDLES } = options;
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

/** These are optional, so one that cannot be read is not an error. */
async function systemCerts(bundles: readonly string[]): Promise<readonly string[]> {
  for (const path of bundles) {
    const text = await maybeRead(path).catch(() => undefined);
    if (text?.includes(BEGIN)) return [text];
  }
  return [];
}
