/**
 * `run` of an index: this machine's image, or under qemu that of another platform.
 */
import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { runProgram } from "../support/cli.ts";
import { NEEDS } from "../support/container_builds.ts";
import { BOTH, envOf } from "../support/platforms.ts";
import {
  createMiseProject,
  OCI_ARCH,
  pushBothBases,
  startDockerRegistry,
  startPodman,
  testWith,
} from "../support/testbed.ts";

testWith(
  { needs: [...NEEDS, "arm64"] },
  "run takes the image of this machine's platform, or the one that --platform names",
  async () => {
    await using registry = await startDockerRegistry();
    await using podman = await startPodman();
    await using project = await createMiseProject({ toml: "[tools]\n" });
    const options = { cwd: project.directory, env: { ...podman.env, ...envOf(project) } };
    const from = await pushBothBases(registry.host);
    const image = join(project.root, "image");
    const build = ["--no-mise", "--from", from];
    const built = await runProgram(["build", ...BOTH, ...build, "-o", image], options);
    assertEquals(built.code, 0, built.stderr);

    const machine = async (...args: string[]): Promise<string> => {
      const command = ["run", "--engine", "podman", ...args, "--", "uname", "-m"];
      const ran = await runProgram(command, options);
      assertEquals(ran.code, 0, ran.stderr);
      return ran.stdout.trim();
    };
    const layout = ["--image-dir", image];
    assertEquals(await machine(...layout), OCI_ARCH === "amd64" ? "x86_64" : "aarch64");
    assertEquals(await machine(...layout, "--platform", "linux/arm64"), "aarch64");
    assertEquals(await machine(...build, "--platform", "linux/arm64"), "aarch64");
  },
);
