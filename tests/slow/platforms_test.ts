/**
 * `--platform a,b`: one command, one index, every executable of its platform.
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { programCommand, runProgram } from "../support/cli.ts";
import { NEEDS, projectOf } from "../support/container_builds.ts";
import { rawBlobPath, type RawDescriptor } from "../support/layout.ts";
import { NODE_VERSION, serveFiles, startNodeMirror } from "../support/node_mirror.ts";
import {
  archiveOf,
  BOTH,
  build,
  type Built,
  envOf,
  FOREIGN,
  httpTool,
  layerDigest,
  serveHalf,
  snapshot,
  tagOf,
  unpackFirstLayer,
} from "../support/platforms.ts";
import {
  createMiseProject,
  exists,
  type MiseProject,
  OCI_ARCH,
  type Podman,
  pushBothBases,
  run,
  startDockerRegistry,
  startPodman,
  testWith,
} from "../support/testbed.ts";

async function versions(podman: Podman, reference: string, platform: string): Promise<string[]> {
  const script = "uname -m; node --version; prettier --version; esbuild --version; biome --version";
  const flags = ["--rm", "--network=none", "--tls-verify=false", `--platform=${platform}`];
  const ran = await podman.run(["run", ...flags, reference, "sh", "-c", script]);
  return ran.stdout.trim().split("\n");
}

/** Builds for both platforms, and looks at what is said of a node that cannot start here. */
async function buildBoth(project: MiseProject, from: string): Promise<Built> {
  const flags = ["build", ...BOTH, "--no-mise", "--from", from, "-o", join(project.root, "image")];
  const options = { cwd: project.directory, env: envOf(project) };
  const result = await runProgram([...flags, "--json"], options);
  assertEquals(result.code, 0, result.stderr);
  // mise complains of it; nobody needs to read that.
  assert(!result.stderr.includes("ERROR"), result.stderr);
  assertStringIncludes(result.stderr, `unpacked and not started, for linux/${FOREIGN}: node@`);
  return JSON.parse(result.stdout);
}

testWith(
  { needs: [...NEEDS, "arm64"] },
  "--platform linux/amd64,linux/arm64: one build, one push, and every tool runs on both",
  async () => {
    await using mirror = await startNodeMirror();
    await using registry = await startDockerRegistry();
    await using podman = await startPodman();
    await using project = await projectOf(mirror.url);
    await project.runMise("install", "--yes");
    const before = await snapshot(project.data);
    const from = await pushBothBases(registry.host);
    const built = await buildBoth(project, from);
    assertEquals(await snapshot(project.data), before, "the host's installs were touched");
    assertEquals(built.images.map(({ platform }) => platform), ["linux/amd64", "linux/arm64"]);
    for (const name of ["npm:prettier", "config"]) {
      assertEquals(layerDigest(built, "amd64", name), layerDigest(built, "arm64", name), name);
    }
    for (const name of ["node", "npm:esbuild", "npm:@biomejs/biome"]) {
      assert(layerDigest(built, "amd64", name) !== layerDigest(built, "arm64", name), name);
    }

    const reference = `${registry.host}/app:both`;
    const push = ["push", "--image-dir", join(project.root, "image"), reference];
    const pushed = await runProgram(push, { cwd: project.directory, env: envOf(project) });
    assertEquals(pushed.code, 0, pushed.stderr);
    assertStringIncludes(pushed.stdout, `pushed ${built.digest} to ${reference}`);
    const { stdout } = await run(
      ["skopeo", "inspect", "--raw", "--tls-verify=false", `docker://${reference}`],
    );
    const index = JSON.parse(stdout);
    assertEquals(
      index.manifests.map((
        { digest, platform }: RawDescriptor,
      ) => [platform?.architecture, digest]),
      built.images.map(({ platform, digest }) => [platform.replace("linux/", ""), digest]),
    );
    const tools = [`v${NODE_VERSION}`, "3.6.2", "0.25.9", "Version: 2.2.4"];
    assertEquals(await versions(podman, reference, "linux/amd64"), ["x86_64", ...tools]);
    assertEquals(await versions(podman, reference, "linux/arm64"), ["aarch64", ...tools]);
  },
);

testWith(
  { needs: ["linux", "mise"] },
  "the same two platforms give the same index again, from the cache",
  async () => {
    await using project = await createMiseProject({
      toml: `[tools]\n"npm:prettier" = "3.6.2"\n[oci]\ntag = "v1"\n`,
    });
    await project.runMise("install", "--yes");
    const output = join(project.root, "image");
    const flags = [...BOTH, "--no-mise", "--no-check", "--from", "scratch", "-o", output];
    const first = await build(project, flags);
    const again = await build(project, flags);
    assertEquals(again.digest, first.digest);
    for (const { layers } of again.images) {
      assertEquals(new Set(layers.map(({ status }) => status)), new Set(["cached"]));
    }
    const { manifests } = JSON.parse(await Deno.readTextFile(join(output, "index.json")));
    assertEquals(manifests.length, 1);
    assertEquals(manifests[0].mediaType, "application/vnd.oci.image.index.v1+json");
    assertEquals(manifests[0].annotations, { "org.opencontainers.image.ref.name": "v1" });
    const index = JSON.parse(await Deno.readTextFile(rawBlobPath(output, first.digest)));
    assertEquals(
      index.manifests.map(({ platform }: RawDescriptor) => platform?.architecture),
      ["amd64", "arm64"],
    );
  },
);

testWith(
  { needs: ["linux", "mise"] },
  "a tool whose ELF file is of another machine is refused by name, and nothing is written",
  async () => {
    const archive = await archiveOf("wrong", await Deno.readFile(Deno.realPathSync("/bin/true")));
    await using server = serveFiles(() => archive);
    await using project = await createMiseProject({
      toml: `[tools]\n"npm:prettier" = "3.6.2"\n${httpTool("wrong", `${server.url}/wrong.tar.gz`)}`,
    });
    await project.runMise("install", "--yes");
    const output = join(project.root, "image");
    const args = ["build", ...BOTH, "--from", "scratch", "-o", output];
    const result = await runProgram(args, { cwd: project.directory, env: envOf(project) });
    assertEquals(result.code, 1, result.stderr);
    assertStringIncludes(
      result.stderr,
      `http:wrong@1.0.0 (bin/wrong is an ELF executable for ${OCI_ARCH}: `,
    );
    assertStringIncludes(result.stderr, "--update-index");
    assert(!result.stderr.includes("npm:prettier@3.6.2 ("), result.stderr);
    assertEquals(await exists(output), false);
  },
);

testWith(
  { needs: ["linux", "mise"] },
  "cargo: tools are refused before anything is installed for the other platform",
  async () => {
    await using project = await createMiseProject({
      toml: '[tools]\n"cargo:ripgrep" = "14.1.1"\n"npm:is-number" = "7.0.0"\n',
    });
    const args = ["build", "--platform", `linux/${FOREIGN}`, "--from", "scratch"];
    const result = await runProgram(args, { cwd: project.directory, env: envOf(project) });
    assertEquals(result.code, 1, result.stderr);
    assertStringIncludes(result.stderr, "cargo:ripgrep@14.1.1 (cargo compiles");
    const platforms = join(project.root, "oci-cache/platforms");
    assertEquals(await exists(join(platforms, `linux-${FOREIGN}`, "data/installs")), false);
  },
);

testWith(
  { needs: ["linux", "mise"] },
  "a build killed while a tool is downloaded continues the next time, with the tool whole",
  async () => {
    const script = new TextEncoder().encode(
      `#!/bin/sh\n${"# filler\n".repeat(50_000)}echo whole\n`,
    );
    await using server = serveHalf(await archiveOf("tool", script));
    await using project = await createMiseProject({
      toml: httpTool("tool", `${server.url}/tool.tar.gz`),
    });
    const output = join(project.root, "image");
    const args = [
      "--platform",
      `linux/${FOREIGN}`,
      "--no-mise",
      "--no-check",
      "--from",
      "scratch",
      "-o",
      output,
    ];
    const [program, ...rest] = programCommand(["build", ...args]);
    const options = { cwd: project.directory, env: envOf(project) };
    const child = new Deno.Command(program, {
      ...options,
      args: rest,
      clearEnv: true,
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    await server.half;
    child.kill("SIGKILL");
    await child.status;
    assertEquals(await exists(output), false);
    server.goOn();
    const result = await runProgram(["build", ...args], options);
    assertEquals(result.code, 0, result.stderr);
    const tree = join(project.root, "tree");
    await unpackFirstLayer(output, tree);
    const packed = await Deno.readFile(join(tree, "mise/installs/http-tool/1.0.0/bin/tool"));
    assertEquals(packed, script);
  },
);

testWith(
  { needs: ["linux", "mise"] },
  "--dry-run for another platform installs nothing; --mise-binary gives it its mise",
  async () => {
    await using project = await createMiseProject({ toml: '[tools]\n"npm:is-number" = "7.0.0"\n' });
    await project.runMise("install", "--yes");
    const env = envOf(project);
    const cwd = project.directory;
    const dry = await runProgram(["build", "--dry-run", ...BOTH], { cwd, env });
    assertEquals(dry.code, 0, dry.stderr);
    assertStringIncludes(dry.stdout, "platform  linux/amd64");
    assertStringIncludes(dry.stdout, "platform  linux/arm64");
    const data = join(project.root, `oci-cache/platforms/linux-${FOREIGN}/data`);
    assertEquals(await exists(join(data, "installs/npm-is-number")), false);

    const binary = join(project.root, "mise-foreign");
    const header = new Uint8Array(64);
    header.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
    header[18] = FOREIGN === "arm64" ? 0xb7 : 0x3e;
    await Deno.writeFile(binary, header, { mode: 0o755 });
    const flags = [...BOTH, "--no-check", "--from", "scratch", "-o", join(project.root, "image")];
    const given = ["--mise-binary", `linux/${FOREIGN}=${binary}`];
    const built = await build(project, [...flags, ...given]);
    for (const { platform, layers } of built.images) {
      assertEquals(layers.map(({ kind }) => kind), ["tool", "mise", "config"], platform);
    }
    const wrong = ["--mise-binary", `linux/${FOREIGN}=${project.mise}`];
    const refused = await runProgram(["build", ...flags, ...wrong], { cwd, env });
    assertEquals(refused.code, 2, refused.stderr);
    assertStringIncludes(refused.stderr, "--mise-binary");
  },
);

testWith(
  { needs: ["linux", "mise", "docker-registry"] },
  "push --platform a,b: the tag becomes the index that build writes; --update-index keeps a third",
  async () => {
    await using registry = await startDockerRegistry();
    await using project = await createMiseProject({ toml: "[tools]\n" });
    const options = { cwd: project.directory, env: envOf(project) };
    const flags = ["--from", "scratch", "--no-mise", "--no-check"];
    const push = async (...args: string[]): Promise<string> => {
      const result = await runProgram(["push", ...flags, ...args], options);
      assertEquals(result.code, 0, result.stderr);
      return result.stdout;
    };
    const built = await build(project, [...flags, ...BOTH, "-o", join(project.root, "image")]);
    const stdout = await push(...BOTH, `${registry.host}/app:two`);
    assertStringIncludes(stdout, `pushed ${built.digest}`);
    const two = await tagOf(registry.host, "two");
    assertEquals(two, { digest: built.digest, names: ["amd64", "arm64"] });

    await push("--platform", "linux/riscv64", `${registry.host}/app:three`);
    assertEquals((await tagOf(registry.host, "three")).names, []);
    await push(...BOTH, "--update-index", `${registry.host}/app:three`);
    const three = await tagOf(registry.host, "three");
    assertEquals(three.names, ["amd64", "arm64", "riscv64"]);
    await push(...BOTH, "--update-index", `${registry.host}/app:three`);
    assertEquals(await tagOf(registry.host, "three"), three);

    const args = ["push", ...flags, ...BOTH, "--tool", "skopeo", `${registry.host}/app:tool`];
    const byTool = await runProgram(args, options);
    assertEquals(byTool.code, 0, byTool.stderr);
    assertEquals((await tagOf(registry.host, "tool")).names, ["amd64", "arm64"]);
  },
);
