/**
 * Pushing to Debian's docker-registry where it wants a password, a private CA or signed tokens.
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { MiseOciError } from "../../src/errors.ts";
import {
  findCredentials,
  loadCaCerts,
  type RegistryClientOptions,
} from "../../src/registry/mod.ts";
import { encodeBase64Utf8, writeHelper } from "../support/credential_helper.ts";
import { digestOf } from "../support/faultreg/mod.ts";
import { startJwtTokenServer } from "../support/jwt_tokens.ts";
import { base, DIGEST, digestAt, NEEDS, push } from "../support/push_e2e.ts";
import {
  type DockerRegistry,
  makeTempDir,
  run,
  startDockerRegistry,
  testWith,
} from "../support/testbed.ts";

/** What a push under other credentials says, and everything that was logged on the way. */
async function refused(
  registry: DockerRegistry,
  credentials: RegistryClientOptions["credentials"],
): Promise<{ readonly error: MiseOciError; readonly log: string }> {
  const lines: string[] = [];
  const log = (_level: number, text: string): void => void lines.push(text);
  const client = { log, warn: (text: string): void => void lines.push(text) };
  try {
    await push(registry, "team/new:v1", {
      client: { ...client, ...(credentials === undefined ? {} : { credentials }) },
    });
  } catch (error) {
    assert(error instanceof MiseOciError, String(error));
    assertEquals(error.code, "auth");
    lines.push(error.message, error.hint ?? "", error.stack ?? "");
    return { error, log: lines.join("\n") };
  }
  throw new Error("the push was not refused");
}

/** Pushes with each kind of store that holds the login; everything that was logged. */
async function pushWithStores(
  registry: DockerRegistry,
  login: { readonly user: string; readonly password: string },
  directory: string,
): Promise<string[]> {
  const { host } = registry;
  const podman = join(directory, "auth.json");
  await run([
    ...["skopeo", "login", "--tls-verify=false", "--authfile", podman, host] as const,
    ...["--username", login.user, "--password", login.password],
  ]);
  const docker = join(directory, "docker");
  const helped = join(directory, "helped");
  const auth = encodeBase64Utf8(`${login.user}:${login.password}`);
  await Deno.mkdir(docker);
  await Deno.writeTextFile(
    join(docker, "config.json"),
    JSON.stringify({ auths: { [host]: { auth } } }),
  );
  await Deno.mkdir(helped);
  await Deno.writeTextFile(join(helped, "config.json"), '{"credsStore":"fake"}');
  const answer = JSON.stringify({ Username: login.user, Secret: login.password });
  await writeHelper(helped, "fake", `cat >/dev/null; echo '${answer}'`);
  const stores: Record<string, string>[] = [
    { REGISTRY_AUTH_FILE: podman },
    { DOCKER_CONFIG: docker },
    { DOCKER_CONFIG: helped, PATH: helped },
  ];
  const lines: string[] = [];
  for (const [i, env] of stores.entries()) {
    const log = (_level: number, text: string): void => void lines.push(text);
    const result = await push(registry, `team/app${i}:v1`, {
      client: {
        log,
        credentials: (name) =>
          findCredentials(`${name}/team/app${i}`, {
            env: (key) => env[key],
            uid: 54321,
            warn: (text) => lines.push(text),
            detail: (text) => lines.push(text),
          }),
      },
    });
    assertEquals(result.uploaded, 3);
    const creds = ["--tls-verify=false", "--creds", `${login.user}:${login.password}`];
    assertEquals(await digestAt(registry, `team/app${i}:v1`, creds), DIGEST);
  }
  return lines;
}

testWith(
  { needs: [...NEEDS, "htpasswd"] },
  "A registry with a password takes the stores of podman, docker and helpers, and nobody else",
  async () => {
    await using temp = await makeTempDir();
    const login = { user: "me", password: "SENTINEL:pässword" };
    await using registry = await startDockerRegistry({ htpasswd: login });
    const { host } = registry;
    const nobody = await refused(registry, undefined);
    assertStringIncludes(nobody.error.message, "requires a login, but no credentials");
    assertStringIncludes(nobody.error.hint ?? "", `docker login ${host}`);
    const wrong = await refused(
      registry,
      () => Promise.resolve({ kind: "basic", username: "me", password: "SENTINEL-wrong" }),
    );
    assertStringIncludes(wrong.error.message, "refuses the stored credentials");

    const lines = await pushWithStores(registry, login, temp.path);
    const all = [nobody.log, wrong.log, ...lines].join("\n");
    assert(all.includes("PATCH"));
    const auth = encodeBase64Utf8(`${login.user}:${login.password}`);
    for (const secret of ["SENTINEL", auth]) {
      assert(!all.includes(secret), "A15: secret in the log");
    }
  },
);

testWith(
  { needs: [...NEEDS, "openssl"] },
  "A registry with TLS of a private CA is pushed to with that CA, and not without",
  async () => {
    await using temp = await makeTempDir();
    await using registry = await startDockerRegistry({ tls: true });
    const caCerts = await loadCaCerts(registry.host, {
      env: (key) => key === "SSL_CERT_FILE" ? registry.caFile : undefined,
    });
    const untrusted = await push(registry, "team/app:v1").catch((error) => error);
    assert(untrusted instanceof MiseOciError);
    assertStringIncludes(untrusted.message, "certificate is signed by an unknown authority");
    assertStringIncludes(untrusted.hint ?? "", "SSL_CERT_FILE");
    assertEquals((await push(registry, "team/app:v1", { client: { caCerts } })).uploaded, 3);
    const certs = join(temp.path, "certs");
    await Deno.mkdir(certs);
    await Deno.copyFile(registry.caFile ?? "", join(certs, "ca.crt"));
    const extra = ["--cert-dir", certs];
    assertEquals(await digestAt(registry, "team/app:v1", extra), DIGEST);
  },
);

testWith(
  { needs: [...NEEDS, "openssl"] },
  "A18: a registry with signed tokens is asked for as little as needed, and refusals differ",
  async () => {
    const user = { username: "me", password: "SENTINEL-good" };
    const reader = { username: "reader", password: "SENTINEL-reader" };
    await using tokens = await startJwtTokenServer({ user, reader });
    await using registry = await startDockerRegistry({ token: tokens.token });
    const as = (who: typeof user): RegistryClientOptions["credentials"] => () =>
      Promise.resolve({ kind: "basic", ...who });
    const expired = "SENTINEL.expired.token";
    const outcomes = [
      await refused(registry, undefined),
      await refused(registry, as({ username: "me", password: "SENTINEL-bad" })),
      await refused(registry, as(reader)),
      await refused(registry, () => Promise.resolve({ kind: "registry-token", token: expired })),
    ];
    const expected = [
      "requires a login, but no credentials",
      "refuses the stored credentials",
      'they may not pull and push "team/new"',
      "refuses the stored access token, which may have expired",
    ];
    for (const [i, { error, log }] of outcomes.entries()) {
      assertStringIncludes(error.message, expected[i] ?? "");
      assert(!log.includes("SENTINEL"), log);
    }
    tokens.asked.length = 0;
    const client = { credentials: as(user) ?? (() => Promise.resolve(undefined)) };
    assertEquals((await push(registry, "base/image:1", { client })).uploaded, 3);
    const baseOrigin = {
      registry: registry.host,
      repository: "base/image",
      layers: new Set([digestOf(base)]),
    };
    assertEquals((await push(registry, "team/app:v1", { client, baseOrigin })).mounted, 1);
    assertEquals(
      new Set(tokens.asked),
      new Set([
        "repository:base/image:pull,push",
        "repository:team/app:pull,push",
        "repository:base/image:pull",
      ]),
    );
  },
);
