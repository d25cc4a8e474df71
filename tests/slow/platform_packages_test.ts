/**
 * System packages for a platform that this machine is not of: the base's own package manager installs
 * them, its programs and those of the packages run under qemu.
 */
import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { BOTH, build, layerDigest } from "../support/platforms.ts";
import { whyNoIsolation } from "../support/shell_rootfs.ts";
import {
  createMiseProject,
  OCI_ARCH,
  pushBothBases,
  run,
  startDockerRegistry,
  startPodman,
  testWith,
} from "../support/testbed.ts";

const NAME = "system packages are installed for both platforms, and run";

async function test(): Promise<void> {
  await using registry = await startDockerRegistry();
  await using podman = await startPodman();
  await using project = await createMiseProject({
    toml: '[tools]\n[bootstrap.packages]\n"apt:hello" = "latest"\n',
  });
  const from = await pushBothBases(registry.host);
  const output = join(podman.root, "image");
  const flags = [...BOTH, "--from", from, "--no-mise", "-o", output];
  const built = await build(project, flags);
  const layers = ["amd64", "arm64"].map((architecture) => layerDigest(built, architecture, "apt"));
  assert(layers[0] !== undefined && layers[0] !== layers[1], String(layers));
  for (
    const { architecture, machine } of [
      { architecture: "amd64", machine: "x86_64" },
      { architecture: "arm64", machine: "aarch64" },
    ]
  ) {
    const reference = `${registry.host}/app:${architecture}`;
    const copy = ["copy", "--quiet", "--insecure-policy", "--dest-tls-verify=false"];
    const choice = [`--override-arch=${architecture}`, "--override-os=linux"];
    await run(["skopeo", ...copy, ...choice, `oci:${output}`, `docker://${reference}`]);
    const start = ["run", "--rm", "--tls-verify=false", `--platform=linux/${architecture}`];
    const ran = await podman.run([
      ...start,
      reference,
      "sh",
      "-c",
      "uname -m; hello; dpkg -V hello",
    ]);
    assertEquals(ran.stdout, `${machine}\nHello, world!\n`);
  }
  const again = await build(project, flags);
  assertEquals(again.digest, built.digest);
  assertEquals(
    again.images.map(({ layers }) => layers.find(({ kind }) => kind === "packages")?.status),
    ["cached", "cached"],
  );
}

if (whyNoIsolation === undefined) {
  const needs = ["root", "linux", "mise", "base", "arm64", "podman", "runc", "skopeo"] as const;
  testWith({ needs: [...needs, "docker-registry"] }, `${NAME} (on ${OCI_ARCH})`, test);
} else {
  Deno.test({ name: `${NAME} (skipped: ${whyNoIsolation})`, ignore: true, fn: () => {} });
}
