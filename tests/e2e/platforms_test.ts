/**
 * `--platform a,b`: one command, one index, every executable of its platform.
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { programCommand, runProgram, runProgramJson } from "../support/cli.ts";
import { NODE_VERSION, serveFiles, startNodeMirror } from "../support/node_mirror.ts";
import { rawBlobPath, type RawDescriptor } from "../support/layout.ts";
import {
  createMiseProject,
  makeTempDir,
  type MiseProject,
  OCI_ARCH,
  type Podman,
  pushBothBases,
  run,
  startDockerRegistry,
  startPodman,
  testWith,
} from "../support/testbed.ts";

const BOTH = ["--platform", "linux/arm64,linux/amd64"];
const FOREIGN = OCI_ARCH === "amd64" ? "arm64" : "amd64";
const EPOCH = { SOURCE_DATE_EPOCH: "1700000000" };

interface Image {
  readonly platform: string;
  readonly digest: string;
  readonly layers: readonly {
    readonly kind: string;
    readonly name: string;
    readonly digest: string;
    readonly status: string;
  }[];
}

interface Built {
  readonly digest: string;
  readonly images: readonly Image[];
}

/** The variables of a project with a cache of its own. */
function envOf(project: MiseProject): Record<string, string> {
  const cache = join(project.root, "oci-cache");
  return { ...project.env, ...EPOCH, MISE_OCI_CACHE_DIR: cache };
}

function build(project: MiseProject, args: readonly string[]): Promise<Built> {
  return runProgramJson<Built>(["build", ...args], { cwd: project.directory, env: envOf(project) });
}

function layerDigest({ images }: Built, architecture: string, name: string): string | undefined {
  const image = images.find(({ platform }) => platform === `linux/${architecture}`);
  return image?.layers.find((layer) => layer.name === name)?.digest;
}

async function exists(path: string): Promise<boolean> {
  return await Deno.lstat(path).then(() => true, () => false);
}

/** Every file of a directory with the time it was changed. */
async function snapshot(directory: string): Promise<string> {
  return (await run(["find", directory, "-printf", "%p %T@ %s\\n"])).stdout;
}

/** A gzipped tar with one executable file, `bin/NAME`. */
async function archiveOf(name: string, content: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  await using temp = await makeTempDir();
  await Deno.mkdir(join(temp.path, "bin"));
  await Deno.writeFile(join(temp.path, "bin", name), content, { mode: 0o755 });
  await run(["tar", "-C", temp.path, "-czf", join(temp.path, "a.tar.gz"), "bin"]);
  return await Deno.readFile(join(temp.path, "a.tar.gz"));
}

/** The `[tools]` entry of a tool of mise's `http:` backend. */
function httpTool(name: string, url: string): string {
  return `[tools."http:${name}"]\nversion = "1.0.0"\nurl = "${url}"\nbin_path = "bin"\n`;
}

async function versions(podman: Podman, reference: string, platform: string): Promise<string[]> {
  const script = "uname -m; node --version; prettier --version; esbuild --version; biome --version";
  const flags = ["--rm", "--network=none", "--tls-verify=false", `--platform=${platform}`];
  const ran = await podman.run(["run", ...flags, reference, "sh", "-c", script]);
  return ran.stdout.trim().split("\n");
}

testWith(
  {
    needs: [
      "linux",
      "root",
      "mise",
      "base",
      "arm64",
      "podman",
      "runc",
      "skopeo",
      "docker-registry",
    ],
  },
  "--platform linux/amd64,linux/arm64: one build, one push, and every tool runs on both",
  async () => {
    await using mirror = await startNodeMirror();
    await using registry = await startDockerRegistry();
    await using podman = await startPodman();
    await using project = await createMiseProject({
      toml: `[tools]\nnode = "${NODE_VERSION}"\n"npm:prettier" = "3.6.2"\n` +
        `"npm:esbuild" = "0.25.9"\n"npm:@biomejs/biome" = "2.2.4"\n` +
        `[settings]\nnode.mirror_url = "${mirror.url}/"\nnode.gpg_verify = false\n`,
    });
    await project.runMise("install", "--yes");
    const before = await snapshot(project.data);
    const from = await pushBothBases(registry.host);
    const built = await build(project, [
      ...BOTH,
      "--from",
      from,
      "-o",
      join(project.root, "image"),
    ]);
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
    const inspect = ["skopeo", "inspect", "--raw", "--tls-verify=false", `docker://${reference}`];
    const index = JSON.parse((await run(["skopeo", ...inspect.slice(1)])).stdout);
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
    const flags = [...BOTH, "--no-check", "--from", "scratch", "-o", output];
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
  "cargo: and go: tools are refused before anything is installed for the other platform",
  async () => {
    await using project = await createMiseProject({
      toml: '[tools]\n"cargo:ripgrep" = "14.1.1"\n"go:example.com/tool" = "1.0.0"\n',
    });
    const args = ["build", "--platform", `linux/${FOREIGN}`, "--from", "scratch"];
    const result = await runProgram(args, { cwd: project.directory, env: envOf(project) });
    assertEquals(result.code, 1, result.stderr);
    assertStringIncludes(result.stderr, "cargo:ripgrep@14.1.1 (cargo compiles");
    assertStringIncludes(result.stderr, "go:example.com/tool@1.0.0 (");
    const platforms = join(project.root, "oci-cache/platforms");
    assertEquals(await exists(join(platforms, `linux-${FOREIGN}`, "data/installs")), false);
  },
);

/** A server whose first answers stop half-way, until it is told to go on. */
interface HalfServer extends AsyncDisposable {
  readonly url: string;
  /** Resolves when half of the archive was sent. */
  readonly half: Promise<void>;
  /** Ends the answers under way and sends the others whole. */
  goOn(): void;
}

function serveHalf(archive: Uint8Array<ArrayBuffer>): HalfServer {
  const half = Promise.withResolvers<void>();
  const closed = Promise.withResolvers<void>();
  let slow = true;
  const server = serveFiles(() => {
    if (!slow) return archive;
    return new ReadableStream({
      async start(controller): Promise<void> {
        controller.enqueue(archive.subarray(0, archive.length >> 1));
        half.resolve();
        await closed.promise;
        controller.close();
      },
    });
  });
  return {
    url: server.url,
    half: half.promise,
    goOn: () => {
      slow = false;
      closed.resolve();
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** Unpacks the first layer of the only image of a layout. */
async function unpackFirstLayer(layout: string, tree: string): Promise<void> {
  const { manifests } = JSON.parse(await Deno.readTextFile(join(layout, "index.json")));
  const text = await Deno.readTextFile(rawBlobPath(layout, manifests[0].digest));
  await Deno.mkdir(tree);
  await run(["tar", "-xzf", rawBlobPath(layout, JSON.parse(text).layers[0].digest), "-C", tree]);
}

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
