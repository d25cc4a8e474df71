/**
 * What push attaches and signs, in each kind of registry, as other programs read it; and what they sign, as
 * the program reads it.
 */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import {
  environment,
  miseOci,
  pushSigned,
  type SignedImage,
} from "../support/attest/signed_image.ts";
import { type RealRegistry, REGISTRIES } from "../support/registries.ts";
import { program, run, type RunResult, testWith } from "../support/testbed.ts";

/** What our signatures are: cosign's bundles, and its older formats. */
const FORMATS = [[], ["--new-bundle-format=false"]] as const;

/** Runs cosign in a directory of its own. */
function cosign({ project }: SignedImage, ...args: readonly string[]): Promise<RunResult> {
  const command = [program("cosign"), ...args, "--allow-http-registry"] as const;
  return run(command, { env: environment(project), cwd: project.root });
}

/** The bill of materials, the provenance and the signature are shown, by both programs. */
async function checkShown(signed: SignedImage, reference = signed.reference): Promise<void> {
  const { pushed: { attached } } = signed;
  const discovered = await run([program("oras"), "discover", "--plain-http", reference]);
  const tree = await cosign(signed, "tree", reference);
  for (const { digest } of attached) {
    assertStringIncludes(discovered.stdout, digest);
    assertStringIncludes(tree.stdout, digest);
  }
  for (const type of ["vnd.cyclonedx+json", "vnd.in-toto+json", "sigstore.bundle.v0.3+json"]) {
    assertStringIncludes(discovered.stdout, type);
  }
  for (
    const kind of ["cyclonedx.org/bom", "slsa.dev/provenance/v1", "sigstore.dev/cosign/sign/v1"]
  ) {
    assertStringIncludes(tree.stdout, `https://${kind} artifacts via OCI referrer`);
  }
  for (const kind of ["Signatures", "Attestations"]) {
    assertStringIncludes(tree.stdout, `${kind} for an image tag`);
  }
}

/** cosign accepts the signature and both statements, with the key and no other. */
async function checkAccepted(signed: SignedImage, reference = signed.reference): Promise<void> {
  const { pub, other } = signed;
  const offline = "--insecure-ignore-tlog=true";
  for (const format of FORMATS) {
    const options = [...format, offline, reference, "--key"];
    await cosign(signed, "verify", ...options, pub);
    for (const type of ["cyclonedx", "slsaprovenance1"]) {
      await cosign(signed, "verify-attestation", "--type", type, ...options, pub);
    }
    const refused = await cosign(signed, "verify", ...options, other).then(() => false, () => true);
    assertEquals(refused, true);
  }
}

/** The program accepts what cosign signed, in either format, with a key that cosign made. */
async function checkTheirs(signed: SignedImage): Promise<void> {
  const { project, registry, reference, pushed } = signed;
  const [key, pub] = [join(project.root, "theirs.key"), join(project.root, "theirs.pub")];
  const made = [program("cosign"), "generate-key-pair", "--output-key-prefix", "theirs"] as const;
  await run(made, { env: environment(project), cwd: project.root });
  const local = ["--tlog-upload=false", "--use-signing-config=false", "-y", "--key", key];
  for (const [i, format] of FORMATS.entries()) {
    const copy = `${registry.host}/theirs/app${i}`;
    const [from, to] = [`docker://${reference}`, `docker://${copy}:1`];
    const plain = ["--src-tls-verify=false", "--dest-tls-verify=false", "--insecure-policy"];
    await run(["skopeo", "copy", "--quiet", ...plain, from, to]);
    await cosign(signed, "sign", ...format, ...local, `${copy}@${pushed.digest}`);
    const verified = await miseOci(project, ["verify", "--key", pub, `${copy}:1`]);
    assertEquals(verified.code, 0, verified.stderr);
    const resigned = await miseOci(project, ["sign", "--key", key, `${copy}:1`]);
    assertEquals(resigned.code, 0, resigned.stderr);
  }
}

/** Copied to another registry, directly and in a bundle, everything verifies there. */
async function checkCarried(signed: SignedImage, registry: RealRegistry): Promise<void> {
  const { project, reference, pub, pushed } = signed;
  const original = await miseOci(project, ["verify", "--key", pub, reference]);
  const bundle = join(project.root, "bundle.tar");
  const bundled = await miseOci(project, ["bundle", reference, "-o", bundle]);
  assertEquals(bundled.code, 0, bundled.stderr);
  for (const [name, from] of [["copied", reference], ["bundled", `oci-archive:${bundle}`]]) {
    const to = `${registry.host}/${name}/app:v1`;
    const sent = await miseOci(project, ["push", "-q", "--image", from ?? "", to]);
    assertEquals(sent.stdout.trim(), pushed.digest, sent.stderr);
    const verified = await miseOci(project, ["verify", "--key", pub, to]);
    assertEquals(verified.stdout.split("\n").slice(1), original.stdout.split("\n").slice(1));
    await checkShown(signed, to);
    await checkAccepted(signed, to);
  }
}

/** A registry of another kind for each, so that both forms are made of each other. */
const OTHERS = {
  "docker-registry": "crane",
  registry: "docker-registry",
  crane: "registry",
} as const;

const PARTS = [
  "linux",
  "root",
  "mise",
  "base",
  "skopeo",
  "docker-registry",
  "oras",
  "cosign",
  "crane",
  "registry",
] as const;

for (const part of Object.keys(REGISTRIES) as (keyof typeof REGISTRIES)[]) {
  testWith(
    { needs: PARTS },
    `trust: in ${part} other programs find, and verify, what push attached, there and copied, and verify accepts theirs`,
    async () => {
      await using registry = await REGISTRIES[part]();
      await using signed = await pushSigned(registry);
      await checkShown(signed);
      await checkAccepted(signed);
      await checkTheirs(signed);
      await using other = await REGISTRIES[OTHERS[part]]();
      await checkCarried(signed, other);
    },
  );
}
