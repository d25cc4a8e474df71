/**
 * What a machine cannot have by its nature. Everything else that goes wrong while the real parts are prepared
 * is a failure: tests that are skipped for it would hide it.
 * @module
 */
import { run } from "./command.ts";
import { aptSource } from "./base.ts";

/** `CAP_SYS_ADMIN`, which mounting takes: bit 21 of the capabilities of a process. */
const SYS_ADMIN = 21n;

/** Why this process cannot mount, which engines do; `undefined` if it can. */
export async function whyNoMounts(): Promise<string | undefined> {
  const status = await Deno.readTextFile("/proc/self/status");
  const bits = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)/m.exec(status)?.[1] ?? "0"}`);
  return (bits >> SYS_ADMIN & 1n) === 1n
    ? undefined
    : "this container has no privileges to start others";
}

/** Why nothing listens where a URL leads, directly or through the proxy that is set; `undefined` if it does. */
async function whyUnreachable(url: string, proxy: string | undefined): Promise<string | undefined> {
  const { protocol, hostname, port } = new URL(proxy ?? url);
  const number = port === "" ? (protocol === "https:" ? 443 : 80) : Number(port);
  const timeout = AbortSignal.timeout(10_000);
  try {
    const attempt = Deno.connect({ hostname, port: number, signal: timeout });
    (await attempt).close();
    return undefined;
  } catch (error) {
    return `no network: ${hostname}: ${error instanceof Error ? error.message : String(error)}`;
  }
}

function proxyVariable(name: string): string | undefined {
  return Deno.env.get(name.toLowerCase()) || Deno.env.get(name) || undefined;
}

/** Why the npm registry cannot be reached, `undefined` if it can be. */
export async function whyNoNpmRegistry(): Promise<string | undefined> {
  const { stdout } = await run(["npm", "config", "get", "registry"]);
  const configured = (await run(["npm", "config", "get", "https-proxy"])).stdout.trim();
  const proxy = configured === "null" ? proxyVariable("HTTPS_PROXY") : configured;
  return await whyUnreachable(stdout.trim(), proxy);
}

/** Why the mirror of this machine's apt cannot be reached, `undefined` if it can be. */
export async function whyNoMirror(): Promise<string | undefined> {
  const { stdout } = await run(["apt-config", "shell", "PROXY", "Acquire::http::Proxy"]);
  const configured = /^PROXY='(.*)'$/m.exec(stdout)?.[1];
  return await whyUnreachable(aptSource().mirror, configured || proxyVariable("HTTP_PROXY"));
}
