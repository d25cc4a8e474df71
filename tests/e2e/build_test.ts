/**
 * `mise-oci build` as users run it, on real tools and a real Debian base, read by other programs.
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { runProgram, runProgramJson } from "../support/cli.ts";
import { digestOf } from "../support/faultreg/mod.ts";
import { checkLayout, rawBlobPath, type RawImage, readImage } from "../support/layout.ts";
import {
  buildBase,
  copyToRegistry,
  createMiseProject,
  type MiseProject,
  OCI_ARCH,
  type Podman,
  pushBase,
  run,
  startDockerRegistry,
  startPodman,
  testWith,
} from "../support/testbed.ts";

const TOOLS = ["node", "prettier", "typescript", "eslint"] as const;
const EPOCH = { SOURCE_DATE_EPOCH: "1700000000" };

interface Built {
  readonly digest: string;
  readonly output: string;
  readonly layers: readonly {
    readonly kind: string;
    readonly name: string;
    readonly version?: string;
    readonly digest: string;
    readonly size: number;
    readonly status: string;
  }[];
}

/** Builds the project into a directory below its root and gives what `--json` says. */
function build(
  project: MiseProject,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Built> {
  return runProgramJson<Built>(["build", ...args], {
    cwd: project.directory,
    env: { ...project.env, ...EPOCH, ...env },
  });
}

/** Every tool, the variable and the list of tools, as the container sees them. */
async function checkInPodman(podman: Podman, image: string): Promise<void> {
  const script = "node --version; prettier --version; tsc --version; eslint --version; " +
    'echo "$GREETING"; mise ls --json';
  const ran = await podman.runLayout(image, ["sh", "-c", script]);
  const lines = ran.stdout.split("\n");
  assertEquals(lines.slice(0, 5), [
    "v24.11.0",
    "3.6.2",
    "Version 5.9.2",
    "v9.35.0",
    "hello from mise.toml",
  ], ran.stderr);
  const listed = JSON.parse(lines.slice(5).join("\n")) as Record<
    string,
    { installed: boolean; source: { path: string } }[]
  >;
  assertEquals(Object.keys(listed).length, 4);
  for (const [tool] of Object.values(listed)) {
    assertEquals([tool?.installed, tool?.source.path], [true, "/etc/mise/config.toml"]);
  }
}

testWith(
  {
    needs: [
      "linux",
      "root",
      "mise",
      "base",
      "podman",
      "runc",
      "skopeo",
      "umoci",
      "docker-registry",
    ],
  },
  "build: an image of four tools on Debian from a registry runs in podman, and other readers take it",
  async () => {
    await using registry = await startDockerRegistry();
    await using podman = await startPodman();
    await using project = await createMiseProject({
      tools: TOOLS,
      cache: "empty",
      toml: '[env]\nGREETING = "hello from mise.toml"\n[oci]\ntag = "dev:1"\n',
    });
    const from = await pushBase(registry.host);
    const output = join(project.root, "image");
    const built = await build(project, ["--from", from, "-o", output]);
    await checkLayout(output);
    assertEquals(built.layers.map(({ kind }) => kind), [
      "base",
      "tool",
      "tool",
      "tool",
      "tool",
      "mise",
      "config",
    ]);

    await checkInPodman(podman, `${output}:dev:1`);
    const inspected = await run(["skopeo", "inspect", `oci:${output}:dev:1`]);
    assertEquals(JSON.parse(inspected.stdout).Digest, built.digest);
    const bundle = join(project.root, "bundle");
    await run(["umoci", "unpack", "--image", `${output}:dev:1`, bundle]);
    const config = await Deno.readTextFile(join(bundle, "rootfs/etc/mise/config.toml"));
    assertStringIncludes(config, '"npm:prettier" = "3.6.2"');
    const history = await run(["skopeo", "inspect", "--config", `oci:${output}:dev:1`]);
    assertEquals(
      JSON.parse(history.stdout).history.map((entry: { created_by: string }) => entry.created_by),
      [
        "mmdebstrap",
        `mise-oci: tool npm:node-linux-${OCI_ARCH === "amd64" ? "x64" : "arm64"}@24.11.0`,
        "mise-oci: tool npm:prettier@3.6.2",
        "mise-oci: tool npm:typescript@5.9.2",
        "mise-oci: tool npm:eslint@9.35.0",
        "mise-oci: mise 2026.9.15 at /usr/local/bin/mise",
        "mise-oci: /etc/mise/config.toml",
      ],
    );
  },
);

testWith(
  { needs: ["linux", "mise"] },
  "build: the same project gives the same image, with any number of jobs, cached or not",
  async () => {
    await using project = await createMiseProject({ tools: ["prettier", "typescript"] });
    const digests: string[] = [];
    for (const [i, args] of [["-j1"], ["-j8"], ["-j2", "--no-cache"], []].entries()) {
      const env = i < 3 ? { MISE_OCI_CACHE_DIR: join(project.root, `cache${i}`) } : {};
      const output = join(project.root, `image${i}`);
      const base = ["--from", "scratch", "--no-mise", "-o", output];
      digests.push((await build(project, [...base, ...args], env)).digest);
      await checkLayout(output);
    }
    assertEquals(new Set(digests).size, 1, digests.join());
    const cached = ["--from", "scratch", "--no-mise", "-o", join(project.root, "image3")];
    const again = await build(project, cached);
    assertEquals(again.digest, digests[0]);
    assertEquals(new Set(again.layers.map(({ status }) => status)), new Set(["cached"]));
  },
);

testWith(
  { needs: ["linux", "mise"] },
  "build: bumping one tool changes its layer, the config layer and the image config, nothing else",
  async () => {
    await using project = await createMiseProject({
      tools: ["oldPrettier", "typescript"],
      cache: "empty",
    });
    const output = join(project.root, "image");
    const args = ["--from", "scratch", "-o", output];
    const before = await build(project, args);
    const toml = await Deno.readTextFile(join(project.directory, "mise.toml"));
    await Deno.writeTextFile(join(project.directory, "mise.toml"), toml.replace("3.6.1", "3.6.2"));
    await project.runMise("trust");
    const after = await build(project, args);
    const digests = new Set(before.layers.map(({ digest }) => digest));
    const changed = after.layers.filter(({ digest }) => !digests.has(digest));
    assertEquals(changed.map(({ kind, name, version }) => [kind, name, version]), [
      ["tool", "npm:prettier", "3.6.2"],
      ["config", "config", undefined],
    ]);
    const cached = after.layers.filter(({ status }) => status === "cached");
    assertEquals(cached.map(({ name }) => name), ["npm:typescript", "mise"]);
    const image = await readImage(output);
    assertEquals(image.config.config.Labels["dev.mise.tools.npm:prettier"], "3.6.2");
  },
);

/** Puts a manifest into a registry byte for byte, as no other client would write it. */
async function putManifest(
  registry: string,
  path: string,
  manifest: { readonly body: string; readonly type: string },
): Promise<void> {
  const response = await fetch(`http://${registry}/v2/${path}`, {
    method: "PUT",
    headers: { "Content-Type": manifest.type },
    body: manifest.body,
  });
  assertEquals(response.status, 201, await response.text());
}

const OCI = "application/vnd.oci.image";

/** The base under several tags, each another legal way to store the same image. */
async function pushBaseVariants(registry: string): Promise<readonly string[]> {
  await pushBase(registry, { name: "base:plain" });
  const typed = await readImage(await buildBase(), "latest");
  const type = `${OCI}.manifest.v1+json`;
  const { config, layers } = typed.manifest;
  const untyped = JSON.stringify({ schemaVersion: 2, config, layers });
  await putManifest(registry, "base/manifests/untyped", { body: untyped, type });
  await copyToRegistry(await buildBase(), `${registry}/base:docker`, ["--format", "v2s2"]);
  const other = JSON.stringify({
    ...typed.manifest,
    schemaVersion: 2,
    annotations: { other: "1" },
  });
  await putManifest(registry, "base/manifests/other", { body: other, type });
  const descriptorOf = async (tag: string): Promise<{ digest: string; size: number }> => {
    const response = await fetch(`http://${registry}/v2/base/manifests/${tag}`, {
      headers: { Accept: type },
    });
    const body = new Uint8Array(await response.arrayBuffer());
    return { digest: response.headers.get("docker-content-digest") ?? "", size: body.length };
  };
  const [plain, wrong] = [await descriptorOf("plain"), await descriptorOf("other")];
  const attestation = { "vnd.docker.reference.type": "attestation-manifest" };
  const index = JSON.stringify({
    schemaVersion: 2,
    mediaType: `${OCI}.index.v1+json`,
    manifests: [
      { mediaType: type, ...wrong, platform: { os: "linux", architecture: "riscv64" } },
      {
        mediaType: type,
        ...wrong,
        platform: { os: "unknown", architecture: "unknown" },
        annotations: attestation,
      },
      { mediaType: type, ...plain, platform: { os: "linux", architecture: OCI_ARCH } },
    ],
  });
  await putManifest(registry, "base/manifests/index", {
    body: index,
    type: `${OCI}.index.v1+json`,
  });
  return ["plain", "untyped", "docker", "index"].map((tag) => `${registry}/base:${tag}`);
}

function layerDigests(image: RawImage): readonly string[] {
  return image.manifest.layers.map(({ digest }) => digest);
}

testWith(
  { needs: ["linux", "root", "base", "mise", "skopeo", "docker-registry"] },
  "build: a base typed, untyped, as Docker schema 2 and in an index gives the same layers and keeps its config",
  async () => {
    await using registry = await startDockerRegistry();
    await using project = await createMiseProject({ tools: ["prettier"] });
    const images: RawImage[] = [];
    for (const [i, from] of (await pushBaseVariants(registry.host)).entries()) {
      const output = join(project.root, `image${i}`);
      await build(project, ["--from", from, "-o", output]);
      await checkLayout(output);
      const image = await readImage(output);
      const { ExposedPorts, StopSignal, Volumes, Labels } = image.config.config;
      assertEquals([ExposedPorts, StopSignal, Volumes], [
        { "8080/tcp": {} },
        "SIGQUIT",
        { "/srv/data": {} },
      ]);
      assertEquals(Labels["org.example.base"], "kept");
      assert(image.config.config.Env.includes("BASE_VARIABLE=kept"));
      assert(
        image.manifest.layers.every(({ mediaType }) => mediaType === `${OCI}.layer.v1.tar+gzip`),
      );
      assertEquals(image.manifest.annotations?.["org.opencontainers.image.base.name"], from);
      images.push(image);
    }
    for (const image of images) assertEquals(layerDigests(image), layerDigests(images[0]!));
  },
);

testWith(
  { needs: ["linux", "base", "mise"] },
  "build: a base from a layout's directory keeps fields that nobody knows, its health check too",
  async () => {
    await using project = await createMiseProject({ tools: ["prettier"] });
    const base = join(project.root, "base");
    await run(["cp", "-a", await buildBase(), base]);
    const { manifest, config, entry } = await readImage(base);
    const rewrite = async (value: unknown): Promise<{ digest: string; size: number }> => {
      const bytes = new TextEncoder().encode(JSON.stringify(value));
      const digest = digestOf(bytes);
      await Deno.writeFile(rawBlobPath(base, digest), bytes);
      return { digest, size: bytes.length };
    };
    const Healthcheck = { Test: ["CMD", "true"], Interval: 3e10 };
    const changed = {
      ...config,
      config: { ...config.config, Healthcheck, Future: [1] },
      future: {},
    };
    const newConfig = { ...manifest.config, ...await rewrite(changed) };
    const newManifest = await rewrite({ ...manifest, config: newConfig });
    const index = { schemaVersion: 2, manifests: [{ ...entry, ...newManifest }] };
    await Deno.writeTextFile(join(base, "index.json"), JSON.stringify(index));

    const output = join(project.root, "image");
    await build(project, ["--from", `oci:${base}`, "-o", output]);
    const image = await readImage(output);
    assertEquals(image.config.config["Healthcheck"], Healthcheck);
    assertEquals(image.config.config["Future"], [1]);
    assertEquals(image.config["future"], {});
    assertEquals(image.manifest.layers[0]?.digest, manifest.layers[0]?.digest);
  },
);

testWith(
  { needs: ["linux", "mise"] },
  "build: another tag in the same output is kept, the same tag is replaced",
  async () => {
    await using project = await createMiseProject({ tools: ["prettier"] });
    const output = join(project.root, "image");
    const args = ["--from", "scratch", "-o", output];
    const one = await build(project, [...args, "-t", "one"]);
    const two = await build(project, [...args, "-t", "two", "--no-mise"]);
    const again = await build(project, [...args, "-t", "one", "--owner", "1000"]);
    assertEquals((await readImage(output, "one")).entry.digest, again.digest);
    assertEquals((await readImage(output, "two")).entry.digest, two.digest);
    assert(one.digest !== again.digest);
    await checkLayout(output);
  },
);

testWith(
  { needs: ["linux", "mise"] },
  "build --dry-run: prints the plan and writes nothing",
  async () => {
    await using project = await createMiseProject({ tools: ["prettier"], cache: "empty" });
    const output = join(project.root, "image");
    const result = await runProgram(["build", "--dry-run", "--from", "scratch", "-o", output], {
      cwd: project.directory,
      env: project.env,
    });
    assertEquals(result.code, 0, result.stderr);
    assertStringIncludes(result.stdout, "npm:prettier");
    assertEquals(await Deno.stat(output).catch(() => "absent"), "absent");
    const cache = join(project.root, "mise/home/.cache/mise-oci");
    assertEquals(await Deno.stat(cache).catch(() => "absent"), "absent");
  },
);
