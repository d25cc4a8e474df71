/**
 * Bills of materials, provenance and signatures, as users make them, in real registries and read by other
 * programs.
 */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { cycloneDxErrors } from "../support/attest/cyclonedx_schema.ts";
import { writeKeyPair } from "../support/attest/keys.ts";
import { runProgram, runProgramJson } from "../support/cli.ts";
import {
  buildBase,
  createMiseProject,
  type DockerRegistry,
  has,
  type MiseProject,
  program,
  pushBase,
  run,
  type RunResult,
  startDockerRegistry,
  testWith,
} from "../support/testbed.ts";

const EPOCH = { SOURCE_DATE_EPOCH: "1700000000" };
const PASSWORD = "sentinel-password-4711";
const CHECKSUM = "ab".repeat(32);
const URL = "https://example.com/prettier.tgz";
const LOCK = `[[tools."npm:prettier"]]
version = "3.6.2"
backend = "npm:prettier"
[tools."npm:prettier".platforms.linux-x64]
checksum = "sha256:${CHECKSUM}"
url = "${URL}"
[tools."npm:prettier".platforms.linux-arm64]
checksum = "sha256:${CHECKSUM}"
url = "${URL}"
`;

function mise(project: MiseProject, args: readonly string[]): Promise<RunResult> {
  return runProgram(args, { cwd: project.directory, env: environment(project) });
}

function environment(project: MiseProject): Record<string, string> {
  return { ...project.env, ...EPOCH, COSIGN_PASSWORD: PASSWORD };
}

interface Pushed {
  readonly digest: string;
  readonly attached: readonly { readonly artifactType: string; readonly digest: string }[];
}

/** A signed image with everything attached. */
interface Signed extends AsyncDisposable {
  readonly registry: DockerRegistry;
  readonly project: MiseProject;
  readonly reference: string;
  readonly pushed: Pushed;
  readonly pub: string;
  readonly other: string;
}

async function pushSigned(): Promise<Signed> {
  const stack = new AsyncDisposableStack();
  const registry = stack.use(await startDockerRegistry());
  const project = stack.use(
    await createMiseProject({ tools: ["prettier"], files: { "mise.lock": LOCK } }),
  );
  const from = await pushBase(registry.host);
  const { key, pub } = await writeKeyPair(project.root, { password: PASSWORD });
  const other = await writeKeyPair(project.root, { name: "other", password: PASSWORD });
  for (const args of [["init", "-q"], ["add", "-A"]] as const) {
    await run(["git", ...args], { cwd: project.directory });
  }
  const author = ["-c", "user.name=a", "-c", "user.email=a@example.com"];
  await run(["git", ...author, "commit", "-qm", "x"], { cwd: project.directory });
  await run(["git", "remote", "add", "origin", "https://u:sentinel-token@example.com/a.git"], {
    cwd: project.directory,
  });
  const reference = `${registry.host}/team/app:v1`;
  const pushed = await runProgramJson<Pushed>(
    ["push", "--from", from, "--sbom", "--provenance", "--sign", key, reference],
    { cwd: project.directory, env: environment(project) },
  );
  const dispose = (): Promise<void> => stack.disposeAsync();
  return {
    registry,
    project,
    reference,
    pushed,
    pub,
    other: other.pub,
    [Symbol.asyncDispose]: dispose,
  };
}

async function attachedDocument(
  { registry, pushed }: Signed,
  artifactType: string,
): Promise<{ readonly text: string; readonly subject: string }> {
  const { digest } = pushed.attached.find((one) => one.artifactType === artifactType) ?? {};
  const url = `${registry.url}/v2/team/app`;
  const accept = { headers: { Accept: "application/vnd.oci.image.manifest.v1+json" } };
  const manifest = await (await fetch(`${url}/manifests/${digest}`, accept)).json();
  const blob = await fetch(`${url}/blobs/${manifest.layers[0].digest}`);
  return { text: await blob.text(), subject: manifest.subject.digest };
}

async function checkProvenance(signed: Signed): Promise<void> {
  const { text, subject } = await attachedDocument(signed, "application/vnd.in-toto+json");
  assertEquals(subject, signed.pushed.digest);
  const statement = JSON.parse(text);
  assertEquals(statement.subject[0].digest.sha256, signed.pushed.digest.slice(7));
  const { buildDefinition, runDetails } = statement.predicate;
  assertMatch(runDetails.builder.id, /^https:/);
  const { resolvedDependencies, internalParameters, externalParameters } = buildDefinition;
  const commit =
    (await run(["git", "rev-parse", "HEAD"], { cwd: signed.project.directory })).stdout;
  const [source, base, tool] = resolvedDependencies;
  assertEquals(source.digest.gitCommit, commit.trim());
  assertMatch(source.uri, /^git\+https:\/\/example\.com\/a\.git@refs\/heads\//);
  assertMatch(base.digest.sha256, /^[0-9a-f]{64}$/);
  assertEquals([tool.name, tool.uri, tool.digest], ["npm:prettier", URL, { sha256: CHECKSUM }]);
  assertEquals(externalParameters.configs.map(({ path }: { path: string }) => path), ["mise.toml"]);
  const raw = await (await fetch(`${signed.registry.url}/v2/team/app/manifests/v1`, {
    headers: { Accept: "application/vnd.oci.image.manifest.v1+json" },
  })).json();
  assertEquals(
    internalParameters.layers.map(({ digest }: { digest: { sha256: string } }) =>
      `sha256:${digest.sha256}`
    ),
    raw.layers.map(({ digest }: { digest: string }) => digest),
  );
}

async function checkSbom(signed: Signed): Promise<void> {
  const type = "application/vnd.cyclonedx+json";
  const { text } = await attachedDocument(signed, type);
  const document = JSON.parse(text);
  assertEquals(await cycloneDxErrors(document), []);
  const prettier = document.components.find(({ purl }: { purl?: string }) =>
    purl === "pkg:npm/prettier@3.6.2"
  );
  assertEquals(prettier.externalReferences, [
    { url: URL, type: "distribution", hashes: [{ alg: "SHA-256", content: CHECKSUM }] },
  ]);
  const names = new Set(document.components.map(({ name }: { name: string }) => name));
  for (const name of ["libc6", "dpkg", "mise", "prettier"]) assert(names.has(name), name);
  // The layers are known: made again it has the same bytes, and no layer is read.
  const again = await mise(signed.project, ["sbom", "-v", signed.reference]);
  assertEquals(again.stdout, text);
  assert(!again.stderr.includes("Reading the packages"), again.stderr);
  // Read from the blobs instead of the files that the layers were made of, they say the same.
  const { project } = signed;
  const cold = await runProgram(["sbom", signed.reference], {
    cwd: project.directory,
    env: { ...environment(project), MISE_OCI_CACHE_DIR: join(project.root, "cold") },
  });
  assertEquals(cold.stdout, text);
  const spdx = await mise(project, ["sbom", "--format", "spdx", signed.reference]);
  assertEquals(JSON.parse(spdx.stdout).spdxVersion, "SPDX-2.3");
}

/** Whether a file below a directory has one of the texts. */
async function findText(directory: string, texts: readonly string[]): Promise<string> {
  const args = ["grep", "-rlaF", ...texts.flatMap((text) => ["-e", text]), directory] as const;
  return (await run(args as unknown as [string, ...string[]], { allowFailure: true })).stdout;
}

testWith(
  { needs: ["linux", "root", "mise", "base", "skopeo", "docker-registry"] },
  "trust: what push attaches and signs is complete, verifies, and holds no secret",
  async () => {
    await using signed = await pushSigned();
    const { project, reference, pub, other, pushed } = signed;
    assertEquals(pushed.attached.map(({ artifactType }) => artifactType), [
      "application/vnd.cyclonedx+json",
      "application/vnd.in-toto+json",
      ...Array(3).fill("application/vnd.dev.sigstore.bundle.v0.3+json"),
    ]);
    await checkProvenance(signed);
    await checkSbom(signed);
    const good = await mise(project, ["verify", "--key", pub, reference]);
    assertEquals(good.code, 0, good.stderr);
    assertStringIncludes(good.stdout, `verified ${reference}: ${pushed.digest}`);
    const bad = await mise(project, ["verify", "--key", other, reference]);
    assertEquals(bad.code, 1);
    assertStringIncludes(bad.stderr, "it is not signed by this key");
    const elsewhere = `${signed.registry.host}/other/copy:1`;
    const copied = await mise(project, ["push", "-q", "--image", reference, elsewhere]);
    assertEquals(copied.stdout.trim(), pushed.digest, copied.stderr);
    const carried = await mise(project, ["verify", "--key", pub, elsewhere]);
    assertEquals(carried.stdout.split("\n").slice(1), good.stdout.split("\n").slice(1));
    const shown = await mise(project, ["inspect", reference]);
    assertStringIncludes(shown.stdout, "application/vnd.cyclonedx+json");
    const secrets = [PASSWORD, "sentinel-token"];
    const cache = project.env["XDG_CACHE_HOME"] ?? "";
    assertEquals(await findText(cache, secrets), "");
    for (const { stdout, stderr } of [good, bad, shown]) {
      assert(!secrets.some((one) => `${stdout}${stderr}`.includes(one)));
    }
    const { text } = await attachedDocument(signed, "application/vnd.in-toto+json");
    assert(!secrets.some((one) => text.includes(one)));
    if (has("oras")) {
      const tree = await run([program("oras"), "discover", "--plain-http", reference]);
      for (const { digest } of pushed.attached) assertStringIncludes(tree.stdout, digest);
    }
    if (has("cosign")) await checkCosign(signed);
  },
);

/** cosign accepts what we signed, and we what cosign signed with a key that it made. */
async function checkCosign({ reference, pub, project, registry, pushed }: Signed): Promise<void> {
  const lax = ["--insecure-ignore-tlog=true", "--allow-http-registry"];
  const cwd = join(project.root, "cosign");
  await Deno.mkdir(cwd);
  const cosign = (args: readonly string[]): Promise<RunResult> =>
    run([program("cosign"), ...args], { env: environment(project), cwd });
  for (const format of [[], ["--new-bundle-format=false"]]) {
    const common = [...format, "--key", pub, ...lax, reference];
    await cosign(["verify", ...common]);
    for (const type of ["cyclonedx", "slsaprovenance1"]) {
      await cosign(["verify-attestation", "--type", type, ...common]);
    }
  }
  await cosign(["generate-key-pair"]);
  for (const [name, flags] of [["a", []], ["b", ["--new-bundle-format=false"]]] as const) {
    const copy = `${registry.host}/team/${name}`;
    const [from, to] = [`docker://${reference}`, `docker://${copy}:1`];
    const plain = ["--src-tls-verify=false", "--dest-tls-verify=false", "--insecure-policy"];
    await run(["skopeo", "copy", "--quiet", ...plain, from, to]);
    const local = ["--tlog-upload=false", "--use-signing-config=false", "--allow-http-registry"];
    await cosign([
      "sign",
      ...flags,
      ...local,
      "-y",
      "--key",
      "cosign.key",
      `${copy}@${pushed.digest}`,
    ]);
    const own = join(cwd, "cosign.pub");
    const verified = await mise(project, ["verify", "--key", own, `${copy}:1`]);
    assertEquals(verified.code, 0, verified.stderr);
    const signed = await mise(project, ["sign", "--key", join(cwd, "cosign.key"), `${copy}:1`]);
    assertEquals(signed.code, 0, signed.stderr);
  }
}

testWith(
  { needs: ["linux", "root", "mise", "base", "skopeo", "docker-registry"] },
  "trust: a base that is not signed as verify says is refused before a blob of it is fetched",
  async () => {
    await using registry = await startDockerRegistry();
    await using project = await createMiseProject({
      toml: `[oci]\nfrom = "${registry.host}/debian:latest"\n` +
        `[_.oci]\nverify = [{ from = "${registry.host}/*", key = "../cosign.pub" }]\n`,
    });
    await pushBase(registry.host);
    const { key } = await writeKeyPair(project.root, { password: PASSWORD });
    const build = ["build", "--no-mise", "-o", join(project.root, "image")];
    const refused = await mise(project, build);
    assertEquals(refused.code, 1);
    assertStringIncludes(refused.stderr, "Cannot trust image");
    assertStringIncludes(refused.stderr, "it has no signature");
    const cache = join(project.env["XDG_CACHE_HOME"] ?? "", "mise-oci");
    const blobs = await run(["find", cache, "-path", "*sha256*", "-type", "f"], {
      allowFailure: true,
    });
    assertEquals(blobs.stdout, "");
    const signing = await mise(project, ["sign", "--key", key, `${registry.host}/debian:latest`]);
    assertEquals(signing.code, 0, signing.stderr);
    const built = await mise(project, build);
    assertEquals(built.code, 0, built.stderr);
    // What was verified is noted: the registry need not be there the next time.
    await registry.kill();
    const again = await mise(project, build);
    assertEquals(again.code, 0, again.stderr);
  },
);

interface Artifact {
  readonly name: string;
  readonly version: string;
  readonly purl: string;
}

testWith(
  { needs: ["linux", "root", "mise", "base", "syft", "crane"] },
  "trust: no package that syft finds is missing",
  async () => {
    await using project = await createMiseProject({ tools: ["node", "prettier", "eslint"] });
    const layout = join(project.root, "image");
    const go = `${program("crane")}:/opt/crane`;
    const base = await buildBase();
    const built = await mise(project, [
      "build",
      "--from",
      `oci:${base}`,
      "--copy",
      go,
      "-o",
      layout,
    ]);
    assertEquals(built.code, 0, built.stderr);
    const sbom = JSON.parse((await mise(project, ["sbom", layout])).stdout);
    const known = new Set(
      sbom.components.map(({ name, version = "", purl }: Artifact) => `${name} ${version} ${purl}`),
    );
    const scan = await run([program("syft"), `oci-dir:${layout}`, "-q", "-o", "json"], {
      env: environment(project),
    });
    const artifacts: readonly Artifact[] = JSON.parse(scan.stdout).artifacts;
    assert(artifacts.length > 150, String(artifacts.length));
    const missing = artifacts.map(({ name, version, purl }) =>
      `${name} ${version === "UNKNOWN" ? "" : version} ${purl}`
    ).filter((one) => !known.has(one));
    assertEquals(missing, []);
  },
);
