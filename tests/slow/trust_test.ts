/**
 * Bills of materials, provenance and signatures, as users make them, in real registries and read by other
 * programs.
 */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { cycloneDxErrors } from "../support/attest/cyclonedx_schema.ts";
import { writeKeyPair } from "../support/attest/keys.ts";
import {
  CHECKSUM,
  environment,
  miseOci,
  PASSWORD,
  pushSigned,
  type SignedImage,
  URL,
} from "../support/attest/signed_image.ts";
import { runProgram } from "../support/cli.ts";
import {
  createMiseProject,
  pushBase,
  run,
  startDockerRegistry,
  testWith,
} from "../support/testbed.ts";

async function attachedDocument(
  { registry, pushed }: SignedImage,
  artifactType: string,
): Promise<{ readonly text: string; readonly subject: string }> {
  const { digest } = pushed.attached.find((one) => one.artifactType === artifactType) ?? {};
  const url = `${registry.url}/v2/team/app`;
  const accept = { headers: { Accept: "application/vnd.oci.image.manifest.v1+json" } };
  const manifest = await (await fetch(`${url}/manifests/${digest}`, accept)).json();
  const blob = await fetch(`${url}/blobs/${manifest.layers[0].digest}`);
  return { text: await blob.text(), subject: manifest.subject.digest };
}

async function checkProvenance(signed: SignedImage): Promise<void> {
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
  const accept = { Accept: "application/vnd.oci.image.manifest.v1+json" };
  const debian = await fetch(`${signed.registry.url}/v2/debian/manifests/latest`, {
    method: "HEAD",
    headers: accept,
  });
  assertEquals(`sha256:${base.digest.sha256}`, debian.headers.get("docker-content-digest"));
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

async function checkSbom(signed: SignedImage): Promise<void> {
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
  const again = await miseOci(signed.project, ["sbom", "-v", signed.reference]);
  assertEquals(again.stdout, text);
  assert(!again.stderr.includes("Reading the packages"), again.stderr);
  // Read from the blobs instead of the files that the layers were made of, they say the same.
  const { project } = signed;
  const cold = await runProgram(["sbom", signed.reference], {
    cwd: project.directory,
    env: { ...environment(project), MISE_OCI_CACHE_DIR: join(project.root, "cold") },
  });
  assertEquals(cold.stdout, text);
  const spdx = await miseOci(project, ["sbom", "--format", "spdx", signed.reference]);
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
    await using registry = await startDockerRegistry();
    await using signed = await pushSigned(registry);
    const { project, reference, pub, other, pushed } = signed;
    assertEquals(pushed.attached.map(({ artifactType }) => artifactType), [
      "application/vnd.cyclonedx+json",
      "application/vnd.in-toto+json",
      ...Array(3).fill("application/vnd.dev.sigstore.bundle.v0.3+json"),
    ]);
    await checkProvenance(signed);
    await checkSbom(signed);
    const good = await miseOci(project, ["verify", "--key", pub, reference]);
    assertEquals(good.code, 0, good.stderr);
    assertStringIncludes(good.stdout, `verified ${reference}: ${pushed.digest}`);
    const bad = await miseOci(project, ["verify", "--key", other, reference]);
    assertEquals(bad.code, 1);
    assertStringIncludes(bad.stderr, "it is not signed by this key");
    const elsewhere = `${signed.registry.host}/other/copy:1`;
    const copied = await miseOci(project, ["push", "-q", "--image", reference, elsewhere]);
    assertEquals(copied.stdout.trim(), pushed.digest, copied.stderr);
    const carried = await miseOci(project, ["verify", "--key", pub, elsewhere]);
    assertEquals(carried.stdout.split("\n").slice(1), good.stdout.split("\n").slice(1));
    const shown = await miseOci(project, ["inspect", reference]);
    assertStringIncludes(shown.stdout, "application/vnd.cyclonedx+json");
    const secrets = [PASSWORD, "sentinel-token"];
    const cache = project.env["XDG_CACHE_HOME"] ?? "";
    assertEquals(await findText(cache, secrets), "");
    for (const { stdout, stderr } of [good, bad, shown]) {
      assert(!secrets.some((one) => `${stdout}${stderr}`.includes(one)));
    }
    const { text } = await attachedDocument(signed, "application/vnd.in-toto+json");
    assert(!secrets.some((one) => text.includes(one)));
  },
);

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
    const push = ["push", "--no-mise", `${registry.host}/team/app:1`];
    for (const command of [build, push]) {
      const refused = await miseOci(project, command);
      assertEquals(refused.code, 1);
      assertStringIncludes(refused.stderr, "Cannot trust image");
      assertStringIncludes(refused.stderr, "it has no signature");
    }
    const cache = join(project.env["XDG_CACHE_HOME"] ?? "", "mise-oci");
    const blobs = await run(["find", cache, "-path", "*sha256*", "-type", "f"], {
      allowFailure: true,
    });
    assertEquals(blobs.stdout, "");
    const signing = await miseOci(project, [
      "sign",
      "--key",
      key,
      `${registry.host}/debian:latest`,
    ]);
    assertEquals(signing.code, 0, signing.stderr);
    const built = await miseOci(project, build);
    assertEquals(built.code, 0, built.stderr);
    const pushed = await miseOci(project, push);
    assertEquals(pushed.code, 0, pushed.stderr);
    // What was verified is noted: the registry need not be there the next time.
    await registry.kill();
    const again = await miseOci(project, build);
    assertEquals(again.code, 0, again.stderr);
  },
);
