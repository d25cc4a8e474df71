/** Tools of npm and of Python for another platform, as mise installs them when nothing is set. */
import { assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path";
import { runProgramJson } from "../support/cli.ts";
import { NEEDS } from "../support/container_builds.ts";
import { rawBlobPath } from "../support/layout.ts";
import { BOTH, type Built, envOf, FOREIGN, layerDigest } from "../support/platforms.ts";
import { whyNoIsolation } from "../support/shell_rootfs.ts";
import {
  createMiseProject,
  pushBothBases,
  run,
  startDockerRegistry,
  startPodman,
  testUnless,
} from "../support/testbed.ts";

import { makeInstallers } from "../support/toolset/installers.ts";

const TOML = `[tools]
"npm:esbuild" = "0.25.9"
"npm:@biomejs/biome" = "2.2.4"
"npm:lefthook" = "1.13.0"
"pipx:ruff" = "0.13.0"
"pipx:yamllint" = "1.37.1"
[bootstrap.packages]
"apt:python3" = "latest"
[oci]
tag = "both"
`;
/** biome's start script wants a node; what the npm packages have is looked for, whatever starts it. */
const SCRIPT = `uname -m
ruff --version
yamllint --version
python=$(find -L /mise/installs/pipx-yamllint -path "*/bin/python" | head -1)
printf 'a: [1, 2]\\n' | "$python" -c 'import sys, yaml; print(yaml.load(sys.stdin, yaml.CSafeLoader))'
for name in esbuild biome lefthook; do
  find -L /mise/installs -type f -path "*linux*" -name $name -perm -100 | while read -r path; do
    "$path" --version 2>/dev/null || "$path" version
  done | grep . | sort -u | head -1
done`;

/** The distribution's own Python: the image has the same one, for each platform. */
const PYTHON = "/usr/bin/python3";

async function whyNoPython(): Promise<string | undefined> {
  const args = ["-c", "import venv, ensurepip"];
  const found = await new Deno.Command(PYTHON, { args, stderr: "null" }).output().catch(() =>
    undefined
  );
  return found?.success === true ? whyNoIsolation : `${PYTHON} has no venv`;
}

testUnless(
  await whyNoPython(),
  {
    needs: [...NEEDS, "arm64"],
    name:
      "esbuild, biome, lefthook, ruff and yamllint with mise's defaults are the other platform's, and start there",
  },
  async () => {
    await using registry = await startDockerRegistry();
    await using podman = await startPodman();
    await using project = await createMiseProject({ toml: TOML });
    const env = {
      ...envOf(project),
      PATH: `${await makeInstallers()}:${project.env["PATH"]}`,
      UV_PYTHON: PYTHON,
      MISE_NPM_PACKAGE_MANAGER: "auto",
      AUBE_MINIMUM_PACKAGE_AGE: "0",
    };
    const from = await pushBothBases(registry.host);
    const output = join(podman.root, "image");
    const flags = ["--install", "--no-mise", "--no-check", "--compression", "none"];
    const built = await runProgramJson<Built>(
      ["build", ...BOTH, ...flags, "--from", from, "-o", output],
      { cwd: project.directory, env },
    );
    for (const architecture of ["amd64", "arm64"]) {
      const pulled = await podman.run([
        "pull",
        "--quiet",
        `--arch=${architecture}`,
        `oci:${output}:both`,
      ]);
      const image = pulled.stdout.trim();
      const { stdout } = await podman.run([
        "run",
        "--rm",
        "--network=none",
        image,
        "sh",
        "-c",
        SCRIPT,
      ]);
      assertEquals(stdout.trim().split("\n"), [
        architecture === "amd64" ? "x86_64" : "aarch64",
        "ruff 0.13.0",
        "yamllint 1.37.1",
        "{'a': [1, 2]}",
        "0.25.9",
        "Version: 2.2.4",
        "1.13.0",
      ]);
    }
    const digest = layerDigest(built, FOREIGN, "pipx:yamllint") ?? "";
    const { stdout } = await run(["tar", "-tf", rawBlobPath(output, digest)]);
    const machine = FOREIGN === "arm64" ? "aarch64" : "x86_64";
    const modules = stdout.split("\n").filter((path) => /_yaml[^/]*\.so$/.test(path));
    assertEquals(modules.length, 1);
    assertMatch(modules[0] ?? "", new RegExp(`-${machine}-linux-gnu`));
  },
);
