/** Building inside a Debian container of arm64 under qemu: the image is the one that this machine builds. */
import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { builtHere, layersOf, NEEDS, projectOf } from "../support/container_builds.ts";
import { arm64Mise, arm64Program, buildInContainer } from "../support/debian_container.ts";
import { checkLayout, readImage } from "../support/layout.ts";
import { startNodeMirror } from "../support/node_mirror.ts";
import {
  pushBothBases,
  REPOSITORY,
  run,
  startDockerRegistry,
  startPodman,
  testWith,
} from "../support/testbed.ts";

testWith(
  { needs: [...NEEDS, "arm64"] },
  "the arm64 image built here is the one that an arm64 container builds, layer by layer",
  async () => {
    await using mirror = await startNodeMirror();
    await using registry = await startDockerRegistry();
    await using podman = await startPodman();
    await using project = await projectOf(mirror.url);
    const from = await pushBothBases(registry.host);
    const output = join(project.root, "container");
    const { mounts, command } = await arm64Program(join(output, "deno"));
    const flags = ["--no-mise", "--from", from, "-o", "/out/image"];
    await buildInContainer(podman, {
      image: from,
      platform: "linux/arm64",
      project,
      output,
      mounts: [await arm64Mise(), mounts],
      command: [...command, "build", ...flags],
    });
    const there = join(output, "image");
    await checkLayout(there);
    const { config, entry } = await readImage(there);
    assertEquals(config.architecture, "arm64");

    const both = ["--platform", "linux/amd64,linux/arm64"];
    await builtHere(project, [...both, "--from", from]);
    const here = await builtHere(project, ["--platform", "linux/arm64", "--from", from]);
    assertEquals(await layersOf(here.layout), await layersOf(there));
    assertEquals(here.digest, entry.digest);
    assertEquals((await layersOf(there)).length, 6);
  },
);

testWith(
  { needs: [...NEEDS, "arm64"] },
  "gzip and zstd give the same bytes on amd64 and arm64",
  async () => {
    await using registry = await startDockerRegistry();
    await using podman = await startPodman();
    const from = await pushBothBases(registry.host);
    const { mounts, command } = await arm64Program(join(podman.root, "deno"));
    const script = "/repository/tests/support/compressed_digests.ts";
    const volumes = [
      ...mounts.volumes.map((volume) => `${volume}:ro`),
      `${podman.root}/deno:/out/deno`,
    ];
    const start = ["run", "--rm", "--tls-verify=false", "--platform=linux/arm64"];
    const flags = [
      ...volumes.flatMap((volume) => ["--volume", volume]),
      "--env=DENO_DIR=/out/deno",
    ];
    const deno = [...command.slice(0, -1).filter((flag) => flag !== "-P"), "--allow-read", script];
    const there = await podman.run([...start, ...flags, from, ...deno]);
    const here = await run([
      Deno.execPath(),
      "run",
      "--quiet",
      "--allow-read",
      join(REPOSITORY, "tests/support/compressed_digests.ts"),
    ]);
    assert(here.stdout.includes("gzip:9 sha256:"), here.stdout);
    assertEquals(there.stdout, here.stdout);
  },
);
