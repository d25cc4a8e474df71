/**
 * `mise-oci push` to registries that want a login, as users run it: with what `podman login`,
 * `docker login` and credential helpers keep, and with what is wrong or too little.
 */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { programCommand, runProgram, runProgramJson } from "../support/cli.ts";
import { encodeBase64Utf8, writeHelper, writeKeyStore } from "../support/credential_helper.ts";
import { startJwtTokenServer } from "../support/jwt_tokens.ts";
import {
  createMiseProject,
  type DockerRegistry,
  type MiseProject,
  run,
  type RunResult,
  startDockerRegistry,
  startPodman,
  testWith,
} from "../support/testbed.ts";

const LOGIN = { user: "me", password: "SENTINEL:pässword" };
const SECRETS = ["SENTINEL", encodeBase64Utf8(`${LOGIN.user}:${LOGIN.password}`)];

/** A layout to push, and pushes of it with everything that `-vv` says. */
interface Pusher extends AsyncDisposable {
  readonly project: MiseProject;
  /** Arguments that push the layout to `REPOSITORY:TAG`. */
  args(to: string): readonly string[];
  /** Pushes it; fails if any output has a secret. */
  push(to: string, env: Readonly<Record<string, string>>): Promise<RunResult>;
}

async function startPusher({ host }: DockerRegistry): Promise<Pusher> {
  const project = await createMiseProject({ tools: ["prettier"] });
  const layout = join(project.root, "image");
  await runProgramJson(["build", "--from", "scratch", "--no-mise", "-o", layout], {
    cwd: project.directory,
    env: project.env,
  });
  const args = (to: string): readonly string[] => [
    ...["push", "-vv", "--image-dir", layout, `${host}/${to}`],
  ];
  return {
    project,
    args,
    push: async (to, env) => {
      const options = { cwd: project.directory, env: { ...project.env, ...env } };
      const result = await runProgram(args(to), options);
      assertNoSecret(result);
      return result;
    },
    [Symbol.asyncDispose]: () => project[Symbol.asyncDispose](),
  };
}

function assertNoSecret({ stdout, stderr }: RunResult): void {
  assertStringIncludes(stderr, "/v2/", "-vv shows the requests");
  for (const secret of SECRETS) {
    assert(!(stdout + stderr).includes(secret), "A15: a secret is shown");
  }
}

function assertPushed(result: RunResult, repository: string): void {
  assertEquals(result.code, 0, result.stderr);
  assertMatch(result.stdout, new RegExp(`pushed sha256:\\S+ to \\S+/${repository}:1 \\(`));
}

/** Fails unless a push ended in one error with these words and a hint with those. */
function assertRefused({ code, stdout, stderr }: RunResult, says: string, hint: string): void {
  assertEquals([code, stdout], [1, ""], stderr);
  const line = (start: string): string =>
    stderr.split("\n").find((text) => text.startsWith(start)) ?? stderr;
  assertStringIncludes(line("error:"), says);
  assertStringIncludes(line("hint:"), hint);
}

/** An auth file with one entry. */
async function writeAuth(
  { project }: Pusher,
  host: string,
  entry: Readonly<Record<string, string>>,
): Promise<Record<string, string>> {
  const path = join(project.root, `auth-${crypto.randomUUID()}.json`);
  await Deno.writeTextFile(path, JSON.stringify({ auths: { [host]: entry } }));
  return { REGISTRY_AUTH_FILE: path };
}

const NEEDS = ["linux", "mise", "docker-registry", "htpasswd"] as const;

testWith(
  { needs: [...NEEDS, "root", "podman"] },
  "push: after podman login, with its file where podman keeps it",
  async () => {
    await using registry = await startDockerRegistry({ htpasswd: LOGIN });
    await using pusher = await startPusher(registry);
    await using podman = await startPodman();
    const runtime = { XDG_RUNTIME_DIR: podman.env["XDG_RUNTIME_DIR"] ?? "" };
    const nobody = await pusher.push("podman/app:1", runtime);
    assertRefused(nobody, "requires a login, but no credentials for it are stored", "podman login");
    const login = ["--tls-verify=false", "--username", LOGIN.user, "--password-stdin"];
    await podman.run(["login", ...login, registry.host], { stdin: LOGIN.password });
    await Deno.stat(join(runtime.XDG_RUNTIME_DIR, "containers/auth.json"));
    assertPushed(await pusher.push("podman/app:1", runtime), "podman/app");
  },
);

testWith(
  { needs: [...NEEDS, "docker"] },
  "push: after docker login, with its file, and with a key store behind a helper",
  async () => {
    await using registry = await startDockerRegistry({ htpasswd: LOGIN });
    await using pusher = await startPusher(registry);
    const { root, env } = pusher.project;
    // Without a daemon docker logs in by itself.
    const docker = (config: string): Record<string, string> => ({
      ...env,
      DOCKER_CONFIG: config,
      DOCKER_HOST: `unix://${root}/none.sock`,
    });
    const login = ["login", "--username", LOGIN.user, "--password-stdin", registry.host];
    const plain = docker(join(root, "plain"));
    await run(["docker", ...login], { env: plain, stdin: LOGIN.password });
    assertPushed(await pusher.push("docker/app:1", plain), "docker/app");
    const from = `${registry.host}/docker/app:1`;
    const build = ["build", "-vv", "--from", from, "--no-check", "--no-mise"];
    const cwd = pusher.project.directory;
    assertRefused(
      await runProgram(build, { cwd, env }),
      "no credentials for it are",
      "docker login",
    );
    const built = await runProgram(build, { cwd, env: plain });
    assertEquals(built.code, 0, built.stderr);
    assertNoSecret(built);

    const stored = docker(join(root, "stored"));
    const bin = join(root, "bin");
    await writeKeyStore(bin, "pass");
    await Deno.mkdir(join(root, "stored"));
    await Deno.writeTextFile(join(root, "stored/config.json"), '{"credsStore":"pass"}');
    const withHelper = { ...stored, PATH: `${bin}:${env["PATH"]}` };
    await run(["docker", ...login], { env: withHelper, stdin: LOGIN.password });
    const config = await Deno.readTextFile(join(root, "stored/config.json"));
    assert(!config.includes('"auth"'), "docker put the password into its file");
    assertPushed(await pusher.push("stored/app:1", withHelper), "stored/app");
  },
);

testWith(
  { needs: NEEDS },
  "push: credential helpers run from anywhere on PATH if they are well known, others as permitted",
  async () => {
    await using registry = await startDockerRegistry({ htpasswd: LOGIN });
    await using pusher = await startPusher(registry);
    const { root, env, directory } = pusher.project;
    const bin = join(root, "bin");
    await Deno.mkdir(bin);
    const answer = JSON.stringify({ Username: LOGIN.user, Secret: LOGIN.password });
    const configs: Record<string, Record<string, string>> = {};
    for (const name of ["ecr-login", "company"]) {
      await writeHelper(bin, name, `cat >/dev/null; echo '${answer}'`);
      const config = join(root, name);
      await Deno.mkdir(config);
      const credHelpers = { [registry.host]: name };
      await Deno.writeTextFile(join(config, "config.json"), JSON.stringify({ credHelpers }));
      configs[name] = { DOCKER_CONFIG: config, PATH: `${bin}:${env["PATH"]}` };
    }
    assertPushed(await pusher.push("known/app:1", configs["ecr-login"] ?? {}), "known/app");

    const denied = await pusher.push("company/app:1", configs["company"] ?? {});
    assertRefused(denied, "no credentials for it are stored", "docker login");
    const flag = `--allow-run=mise,${bin}/docker-credential-company`;
    assertStringIncludes(
      denied.stderr,
      `Credential helper "docker-credential-company" may not be run, add ${flag}`,
    );
    const [deno, ...command] = programCommand(pusher.args("company/app:1"));
    const permitted = command.flatMap((arg) => arg === "-P" ? [arg, flag] : [arg]);
    const result = await run([deno, ...permitted], {
      cwd: directory,
      env: { ...env, ...configs["company"] },
      allowFailure: true,
    });
    assertPushed(result, "company/app");
    assertNoSecret(result);
  },
);

testWith(
  { needs: [...NEEDS, "openssl"] },
  "push: over TLS with a private authority and a password, and what is missing is named",
  async () => {
    await using registry = await startDockerRegistry({ htpasswd: LOGIN, tls: true });
    await using pusher = await startPusher(registry);
    const auth = encodeBase64Utf8(`${LOGIN.user}:${LOGIN.password}`);
    const env = await writeAuth(pusher, registry.host, { auth });
    const untrusted = await pusher.push("tls/app:1", { ...env, SSL_CERT_FILE: "" });
    assertRefused(untrusted, "signed by an unknown authority", "SSL_CERT_FILE");
    const trusted = { SSL_CERT_FILE: registry.caFile ?? "" };
    const nobody = await pusher.push("tls/app:1", trusted);
    assertRefused(nobody, "no credentials for it are stored", "docker login");
    assertPushed(await pusher.push("tls/app:1", { ...env, ...trusted }), "tls/app");
  },
);

testWith(
  { needs: [...NEEDS, "openssl"] },
  "push: a wrong password, an expired token and a read-only token are told apart",
  async () => {
    const basic = (user: string, password: string): { auth: string } => ({
      auth: encodeBase64Utf8(`${user}:${password}`),
    });
    await using passwords = await startDockerRegistry({ htpasswd: LOGIN });
    await using first = await startPusher(passwords);
    const wrong = await writeAuth(first, passwords.host, basic("me", "SENTINEL-wrong"));
    const refused = "refuses the stored credentials";
    assertRefused(await first.push("team/app:1", wrong), refused, "Log in again");

    const user = { username: "me", password: "SENTINEL-good" };
    const reader = { username: "reader", password: "SENTINEL-reader" };
    await using tokens = await startJwtTokenServer({ user, reader });
    await using registry = await startDockerRegistry({ token: tokens.token });
    await using second = await startPusher(registry);
    const as = (entry: Record<string, string>): Promise<Record<string, string>> =>
      writeAuth(second, registry.host, entry);
    const cases = [
      [basic("me", "SENTINEL-wrong"), refused, "Log in again"],
      [
        { registrytoken: await tokens.expired("repository:team/app:pull,push") },
        "refuses the stored access token, which may have expired",
        "Log in again",
      ],
      [
        basic(reader.username, reader.password),
        'knows the stored credentials, but they may not pull and push "team/app"',
        "Ask for that access",
      ],
    ] as const;
    for (const [entry, says, hint] of cases) {
      const result = await second.push("team/app:1", await as(entry));
      assertRefused(result, says, hint);
      for (const secret of Object.values(entry)) assert(!result.stderr.includes(secret));
    }
    const good = await as(basic(user.username, user.password));
    assertPushed(await second.push("team/app:1", good), "team/app");
  },
);
