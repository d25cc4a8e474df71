/**
 * Secrets of a push that attaches, signs and logs in: they are in no argument list, in no environment of a
 * program that does not need them, and in nothing that is written.
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { createPrivateKey, generateKeyPairSync } from "node:crypto";
import { encryptKey } from "../support/attest/keys.ts";
import { programCommand } from "../support/cli.ts";
import { writeKeyStore } from "../support/credential_helper.ts";
import {
  createMiseProject,
  type MiseProject,
  program,
  run,
  type RunResult,
  startDockerRegistry,
  startPodman,
  testWith,
} from "../support/testbed.ts";

const USER = "me";
const PASSWORDS = {
  registry: "s3ntinel-of-the-registry",
  key: "s3ntinel-of-the-key",
  sigstore: "s3ntinel-of-sigstore",
  identity: "s3ntinel-of-the-identity",
} as const;

/** A program that was started: its arguments and its environment, as strace quotes them. */
interface Started {
  readonly program: string;
  readonly args: string;
  readonly env: string;
}

/** The programs that strace saw start, without the first: this program itself. */
async function readStarted(trace: string): Promise<readonly Started[]> {
  const text = await Deno.readTextFile(trace);
  const calls = text.matchAll(/execve\("([^"]*)", \[(.*)\], \[(.*)\](?:\) = 0| <unfinished)/g);
  return [...calls].slice(1).map(([, program = "", args = "", env = ""]) => ({
    program,
    args,
    env,
  }));
}

/** Every way in which a secret could be written. */
function formsOf(secret: string): readonly string[] {
  const encoded = [secret, `${USER}:${secret}`].map((text) => btoa(text).replace(/=+$/, ""));
  return [secret, ...encoded];
}

/** A key that is encrypted with a password, and parts of its plain text. */
function makeKey(): { readonly text: string; readonly secrets: readonly string[] } {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const der = privateKey.export({ type: "pkcs8", format: "der" });
  const { d = "" } = createPrivateKey(privateKey.export({ type: "pkcs8", format: "pem" }))
    .export({ format: "jwk" });
  const scalar = Uint8Array.fromBase64(d, { alphabet: "base64url" });
  return {
    text: encryptKey(der, PASSWORDS.key),
    secrets: [d, scalar.toHex(), scalar.toBase64(), der.toString("base64").slice(0, 64)],
  };
}

/** Runs commands under strace. */
interface Tracer {
  /** The programs that were started. */
  readonly started: Started[];
  /** Everything that was printed. */
  output: string;
  run(args: readonly string[]): Promise<RunResult>;
}

function traceIn(
  project: MiseProject,
  env: Readonly<Record<string, string>>,
): Tracer {
  const trace = join(project.root, "trace");
  const strace = ["-f", "-v", "-s", "100000", "-e", "trace=execve", "-o", trace];
  const tracer: Tracer = {
    started: [],
    output: "",
    run: async (args) => {
      const command: [string, ...string[]] = ["strace", ...strace, ...programCommand(args)];
      const result = await run(command, { cwd: project.directory, env, allowFailure: true });
      tracer.started.push(...await readStarted(trace));
      await Deno.remove(trace);
      tracer.output += `${result.stdout}${result.stderr}`;
      assertEquals(result.code, 0, `${args.join(" ")}: ${result.stderr}`);
      return result;
    },
  };
  return tracer;
}

/** Asserts that no program got a secret, except the identity token those that log in. */
function assertHidden(tracer: ReturnType<typeof traceIn>, secrets: readonly string[]): void {
  for (const { program, args, env } of tracer.started) {
    const place = program.split("/").at(-1);
    for (const secret of secrets) assert(!args.includes(secret), `arguments of ${place}`);
    const logsIn = /^(?:docker-credential-|skopeo|crane)/.test(place ?? "") ||
      // What the helper starts.
      place === "cat";
    const kept = secrets.filter((secret) => !(logsIn && secret === PASSWORDS.identity));
    for (const secret of kept) assert(!env.includes(secret), `environment of ${place}`);
  }
  for (const secret of secrets) assert(!tracer.output.includes(secret), "output");
}

testWith(
  {
    needs: [
      ...["linux", "root", "mise", "docker-registry", "htpasswd", "strace", "skopeo"] as const,
      ...["podman", "runc", "crane"] as const,
    ],
  },
  "trust: passwords, keys and tokens are in no argument list, no other program's environment, and no file",
  async () => {
    await using registry = await startDockerRegistry({
      htpasswd: { user: USER, password: PASSWORDS.registry },
    });
    await using podman = await startPodman();
    await using project = await createMiseProject({ tools: ["prettier"] });
    const helpers = join(project.root, "helpers");
    await writeKeyStore(helpers, "pass");
    const login = { ServerURL: registry.host, Username: USER, Secret: PASSWORDS.registry };
    await Deno.writeTextFile(join(helpers, "key-store.json"), JSON.stringify(login));
    const config = { credHelpers: { [registry.host]: "pass" } };
    await Deno.writeTextFile(join(helpers, "config.json"), JSON.stringify(config));
    const { text, secrets: keys } = makeKey();
    const key = join(helpers, "cosign.key");
    await Deno.writeTextFile(key, text);
    const written = join(project.root, "written");
    await Deno.mkdir(written);
    const tracer = traceIn(project, {
      ...podman.env,
      ...project.env,
      PATH: `${helpers}:${join(program("crane"), "..")}:${project.env["PATH"]}`,
      DOCKER_CONFIG: helpers,
      TMPDIR: written,
      MISE_OCI_CACHE_DIR: join(written, "cache"),
      COSIGN_PASSWORD: PASSWORDS.key,
      SIGSTORE_ID_TOKEN: PASSWORDS.sigstore,
      ACTIONS_ID_TOKEN_REQUEST_TOKEN: PASSWORDS.identity,
    });
    const reference = `${registry.host}/team/dev`;
    const layout = join(written, "image");
    const build = ["--from", "scratch", "--no-mise", "-vv"];
    await tracer.run([
      ...["push", ...build, "--sbom", "--provenance", "--sign", key, "--install"],
      ...["--store", `${registry.host}/team/layers`, "--store-push", `${reference}:1`],
    ]);
    await tracer.run(["build", ...build, "-o", layout]);
    for (const tool of ["skopeo", "crane"]) {
      await tracer.run(["push", "--tool", tool, "--image-dir", layout, `${reference}:${tool}`]);
    }
    await tracer.run(["sign", "--key", key, `${reference}:skopeo`]);
    await tracer.run(["load", "--engine", "podman", "-vv", "--image", `${reference}:1`]);
    await tracer.run(["bundle", `${reference}:1`, "-o", join(written, "bundle.tar")]);

    const names = new Set(tracer.started.map(({ program }) => program.split("/").at(-1)));
    for (const name of ["mise", "docker-credential-pass", "skopeo", "crane", "podman"]) {
      assert(names.has(name), `${name} was not started: ${[...names].join(", ")}`);
    }
    const secrets = [...Object.values(PASSWORDS).flatMap(formsOf), ...keys];
    assertHidden(tracer, secrets);
    const found = await run(
      ["grep", "-rlaF", ...secrets.flatMap((secret) => ["-e", secret]), written],
      { allowFailure: true },
    );
    assertEquals(found.stdout, "");
    assertStringIncludes(await Deno.readTextFile(join(layout, "index.json")), "manifests");
  },
);
