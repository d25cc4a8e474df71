/**
 * A real registry on a loopback port of its own: Debian's docker-registry (distribution 2.8), or another
 * program that takes its configuration.
 * @module
 */
import { join } from "@std/path";
import { TextLineStream } from "@std/streams";
import { makeTempDir, run, which } from "./testbed/command.ts";

/** Options of {@linkcode startDockerRegistry}. */
export interface DockerRegistryOptions {
  /** The executable, which takes `serve CONFIG`. Default: Debian's docker-registry. */
  readonly program?: string;
  /** Wants Basic authentication with this user and password. Default: nobody needs to log in. */
  readonly htpasswd?: { readonly user: string; readonly password: string };
  /** The address it listens on. Default: 127.0.0.1. */
  readonly address?: string;
  /** Speaks HTTPS with a certificate for `localhost` and `127.0.0.1` of a CA of its own. */
  readonly tls?: boolean;
  /** Wants Bearer tokens, signed with a key whose certificate is in the file. */
  readonly token?: {
    readonly realm: string;
    readonly service: string;
    readonly issuer: string;
    readonly certificateFile: string;
  };
}

/** A registry that runs until it is disposed of. */
export interface DockerRegistry extends AsyncDisposable {
  /** `127.0.0.1:PORT` (or another address), the host of references. */
  readonly host: string;
  /** `http://127.0.0.1:PORT` or `https://…`. */
  readonly url: string;
  /** Absolute path of the CA's certificate, with `tls`. */
  readonly caFile?: string;
  /** Kills it (SIGKILL) where it stands; its storage stays. */
  kill(): Promise<void>;
  /** Starts it again so that it takes nothing any more, on the same port with the same storage. */
  makeReadOnly(): Promise<void>;
  /** Changes a byte of a blob where it is stored. */
  damage(digest: string): Promise<void>;
  /** Starts it again, on the same port with the same storage, once it listens. */
  restart(): Promise<void>;
}

async function makeCertificates(directory: string): Promise<void> {
  const openssl = async (...args: string[]): Promise<void> => {
    await run(["openssl", ...args], { cwd: directory });
  };
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  const subject = (name: string): string[] => ["-subj", `/CN=${name}`, "-days", "2"];
  await openssl("req", "-x509", ...key, "-keyout", "ca.key", "-out", "ca.crt", ...subject("ca"));
  await openssl(
    ...["req", "-x509", ...key, "-keyout", "tls.key", "-out", "tls.crt", ...subject("localhost")],
    ...["-CA", "ca.crt", "-CAkey", "ca.key"],
    ...["-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"],
    ...["-addext", "basicConstraints=critical,CA:FALSE"],
  );
}

/** The authentication part of the configuration. */
async function authConfig(
  directory: string,
  { htpasswd, token }: DockerRegistryOptions,
): Promise<Record<string, unknown>> {
  if (htpasswd !== undefined) {
    const path = join(directory, "htpasswd");
    const { stdout } = await run(["htpasswd", "-Bbn", htpasswd.user, htpasswd.password]);
    await Deno.writeTextFile(path, stdout);
    return { auth: { htpasswd: { realm: "test", path } } };
  }
  if (token === undefined) return {};
  const { realm, service, issuer, certificateFile } = token;
  return { auth: { token: { realm, service, issuer, rootcertbundle: certificateFile } } };
}

/** Reads the log until the registry says where it listens: the first group of `pattern`. */
export async function readAddress(
  log: ReadableStream<Uint8Array<ArrayBuffer>>,
  pattern: RegExp = /listening on ([\d.]+:\d+)/,
): Promise<string> {
  const seen: string[] = [];
  const lines = log.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream());
  const reader = lines.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) throw new Error(`The registry ended at once:\n${seen.join("\n")}`);
    seen.push(value);
    const address = pattern.exec(value)?.[1];
    if (address === undefined) continue;
    // Somebody must read on, or the registry blocks when the pipe is full.
    (async () => {
      while (!(await reader.read()).done);
    })();
    return address;
  }
}

/** Writes the configuration into a directory. */
async function writeConfig(
  directory: string,
  options: DockerRegistryOptions,
  isReadOnly = false,
): Promise<string> {
  const certificate = join(directory, "tls.crt");
  const key = join(directory, "tls.key");
  const config = {
    version: 0.1,
    log: { level: "info", accesslog: { disabled: true } },
    storage: {
      filesystem: { rootdirectory: join(directory, "storage") },
      delete: { enabled: true },
      ...(isReadOnly ? { maintenance: { readonly: { enabled: true } } } : {}),
    },
    // The secret signs upload sessions: they must outlive a restart.
    http: { secret: "test", ...(options.tls === true ? { tls: { certificate, key } } : {}) },
    ...await authConfig(directory, options),
  };
  const path = join(directory, "config.yml");
  // JSON is YAML.
  await Deno.writeTextFile(path, JSON.stringify(config));
  return path;
}

function spawnRegistry(
  configFile: string,
  address: string,
  program = which("docker-registry") ?? "docker-registry",
): Deno.ChildProcess {
  return new Deno.Command(program, {
    args: ["serve", configFile],
    env: { OTEL_TRACES_EXPORTER: "none", REGISTRY_HTTP_ADDR: address },
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
}

/** Ends a registry and waits for it. */
export async function endRegistry(child: Deno.ChildProcess, signal: Deno.Signal): Promise<void> {
  try {
    child.kill(signal);
  } catch {
    // It has ended.
  }
  await child.status;
}

/** Starts a registry with empty storage on a free port; stopped and removed when disposed of. */
export async function startDockerRegistry(
  options: DockerRegistryOptions = {},
): Promise<DockerRegistry> {
  const temp = await makeTempDir();
  const tls = options.tls === true;
  if (tls) await makeCertificates(temp.path);
  const configFile = await writeConfig(temp.path, options);
  let child = spawnRegistry(configFile, `${options.address ?? "127.0.0.1"}:0`, options.program);
  const host = await readAddress(child.stderr).catch(async (error) => {
    await temp[Symbol.asyncDispose]();
    throw error;
  });
  const restart = async (): Promise<void> => {
    child = spawnRegistry(configFile, host, options.program);
    await readAddress(child.stderr);
  };
  return {
    host,
    url: `${tls ? "https" : "http"}://${host}`,
    ...(tls ? { caFile: join(temp.path, "ca.crt") } : {}),
    kill: () => endRegistry(child, "SIGKILL"),
    damage: async (digest) => {
      const hex = digest.slice("sha256:".length);
      const path = join(
        ...[
          temp.path,
          "storage/docker/registry/v2/blobs/sha256",
          hex.slice(0, 2),
          hex,
          "data",
        ] as const,
      );
      const bytes = await Deno.readFile(path);
      const at = bytes.length >> 1;
      bytes[at] = (bytes[at] ?? 0) ^ 1;
      await Deno.writeFile(path, bytes);
    },
    restart,
    makeReadOnly: async () => {
      await endRegistry(child, "SIGTERM");
      await writeConfig(temp.path, options, true);
      await restart();
    },
    [Symbol.asyncDispose]: async () => {
      await endRegistry(child, "SIGTERM");
      await temp[Symbol.asyncDispose]();
    },
  };
}
