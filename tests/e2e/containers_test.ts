/**
 * Building inside a Debian container (docs/containers.md): the image is the one that this machine builds. Containers
 * of arm64, under qemu, are in tests/slow.
 */
import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { builtHere, layersOf, NEEDS, projectOf } from "../support/container_builds.ts";
import { buildInContainer, ownMise } from "../support/debian_container.ts";
import { compiledProgram, whyNoExecutable } from "../support/executable.ts";
import { checkLayout, readImage } from "../support/layout.ts";
import { startNodeMirror } from "../support/node_mirror.ts";
import {
  OCI_ARCH,
  pushBase,
  startDockerRegistry,
  startPodman,
  testUnless,
} from "../support/testbed.ts";

testUnless(
  whyNoExecutable(),
  {
    needs: NEEDS,
    name: "the executable builds in a plain Debian container the image that this machine builds",
  },
  async () => {
    await using mirror = await startNodeMirror();
    await using registry = await startDockerRegistry();
    await using podman = await startPodman();
    await using project = await projectOf(mirror.url);
    const from = await pushBase(registry.host);
    const output = join(project.root, "container");
    const program = await compiledProgram();
    await buildInContainer(podman, {
      image: from,
      platform: `linux/${OCI_ARCH}`,
      project,
      output,
      mounts: [await ownMise(), {
        volumes: [`${program}:/usr/local/bin/mise-oci`],
        env: {},
      }],
      command: ["mise-oci", "build", "--no-mise", "--from", from, "-o", "/out/image"],
    });
    const there = join(output, "image");
    await checkLayout(there);
    const here = await builtHere(project, ["--from", from]);
    assertEquals(await layersOf(here.layout), await layersOf(there));
    assertEquals(here.digest, (await readImage(there)).entry.digest);
  },
);
