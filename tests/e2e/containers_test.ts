/**
 * Building inside a Debian container (docs/containers.md), of this machine's platform and, under qemu, of
 * another one: the images are those that this machine builds.
 */
import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { runProgramJson } from "../support/cli.ts";
import { arm64Mise, arm64Program, buildInContainer, ownMise } from "../support/debian_container.ts";
import { compiledProgram, whyNoExecutable } from "../support/executable.ts";
import { checkLayout, readImage } from "../support/layout.ts";
import { NODE_VERSION, startNodeMirror } from "../support/node_mirror.ts";
import { envOf } from "../support/platforms.ts";
import {
  createMiseProject,
  type MiseProject,
  OCI_ARCH,
  type Part,
  pushBase,
  pushBothBases,
  REPOSITORY,
  run,
  startDockerRegistry,
  startPodman,
  testWith,
} from "../support/testbed.ts";

const NEEDS: readonly Part[] = [
  "linux",
  "root",
  "mise",
  "base",
  "podman",
  "runc",
  "skopeo",
  "docker-registry",
];

/** Tools that are downloads: node from a mirror, programs and scripts from npm. */
function projectOf(mirror: string): Promise<MiseProject> {
  return createMiseProject({
    toml: `[tools]\nnode = "${NODE_VERSION}"\n"npm:prettier" = "3.6.2"\n` +
      `"npm:esbuild" = "0.25.9"\n"npm:@biomejs/biome" = "2.2.4"\n` +
      `[settings]\nnode.mirror_url = "${mirror}/"\nnode.gpg_verify = false\n`,
  });
}

/** The image that this machine builds, and its diff IDs. */
async function builtHere(
  project: MiseProject,
  args: readonly string[],
): Promise<{ readonly digest: string; readonly layout: string }> {
  const layout = join(project.root, `here${args.join("").replaceAll(/\W/g, "")}`);
  const command = ["build", "--install", "--no-mise", ...args, "-o", layout];
  const options = { cwd: project.directory, env: envOf(project) };
  return { layout, ...await runProgramJson<{ digest: string }>(command, options) };
}

/** One line for each layer: what it is, and its digest. */
async function layersOf(layout: string): Promise<string[]> {
  const { manifest } = await readImage(layout);
  return manifest.layers.map(({ digest, annotations = {} }) => {
    const name = annotations["dev.mise.tool.short"] ?? annotations["dev.mise.layer.kind"] ?? "base";
    return `${name} ${digest}`;
  });
}

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

const noExecutable = whyNoExecutable();
const NAME = "the executable builds in a plain Debian container the image that this machine builds";
if (noExecutable !== undefined) {
  Deno.test({ name: `${NAME} (skipped: ${noExecutable})`, ignore: true, fn: () => {} });
} else {
  testWith({ needs: NEEDS }, NAME, async () => {
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
  });
}
