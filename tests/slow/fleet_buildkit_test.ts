/**
 * `mise-oci generate dockerfile`, built by BuildKit.
 */
import { assert, assertEquals } from "@std/assert";
import { createHash } from "node:crypto";
import { join } from "@std/path";
import { startBuildkit } from "../support/buildkit.ts";
import { runProgram } from "../support/cli.ts";
import { deriveBase } from "../support/derived_base.ts";
import { type FileServer, serveFiles } from "../support/node_mirror.ts";
import { serveStaticTool } from "../support/static_tool.ts";
import {
  createMiseProject,
  fetchMise,
  has,
  makeTempDir,
  pushBase,
  pushBothBases,
  run,
  startDockerRegistry,
  startPodman,
  testWith,
} from "../support/testbed.ts";

/** A crate of one file, as cargo's local registries keep it. */
async function writeCrate(directory: string, version: string): Promise<string> {
  const name = `demo-${version}`;
  await Deno.mkdir(join(directory, name, "src"), { recursive: true });
  const manifest = `[package]\nname = "demo"\nversion = "${version}"\nedition = "2021"\n`;
  await Deno.writeTextFile(join(directory, name, "Cargo.toml"), manifest);
  await Deno.writeTextFile(
    join(directory, name, "src/main.rs"),
    `fn main() { println!("demo ${version} on {}", std::env::consts::ARCH); }\n`,
  );
  await Deno.writeTextFile(
    join(directory, name, "Cargo.lock"),
    `version = 3\n\n[[package]]\nname = "demo"\nversion = "${version}"\n`,
  );
  await run(["tar", "-czf", `${name}.crate`, name], { cwd: directory });
  await Deno.remove(join(directory, name), { recursive: true });
  const bytes = await Deno.readFile(join(directory, `${name}.crate`));
  const cksum = createHash("sha256").update(bytes).digest("hex");
  return JSON.stringify({
    name: "demo",
    vers: version,
    deps: [],
    cksum,
    features: {},
    yanked: false,
  });
}

/** A script that makes, in the current directory, what the base has besides Debian. */
function baseLayer(crates: string, url: string): string {
  return `mkdir -p opt usr/local/bin root/.cargo
cp -r '${crates}' opt/crates
cat > root/.cargo/config <<'EOF'
[source.crates-io]
replace-with = "local"
[source.local]
local-registry = "/opt/crates"
EOF
cat > usr/local/bin/curl <<'EOF'
#!/bin/sh
case "$*" in
*https://mise.run*) exec /usr/bin/curl -fsSL ${url}/install.sh ;;
*) exec /usr/bin/curl "$@" ;;
esac
EOF
chmod +x usr/local/bin/curl`;
}

/** Libraries of amd64 that its mise needs in a container of arm64. */
const LIBRARIES = ["libc.so.6", "libdl.so.2", "libgcc_s.so.1", "libm.so.6", "libpthread.so.0"];

/**
 * What https://mise.run does, without the network: this machine's mise, also in a container of arm64, whose
 * tools it installs when it is told to.
 */
async function serveMise(): Promise<FileServer> {
  const mise = await fetchMise();
  const libraries = ["-C", "/", "lib64/ld-linux-x86-64.so.2", "-C", "/lib/x86_64-linux-gnu"];
  const names = [...LIBRARIES, "librt.so.1"];
  const server: FileServer = serveFiles(async (path) => {
    if (path === "/mise") return await Deno.readFile(mise);
    if (path === "/libraries") {
      await using temp = await makeTempDir();
      const archive = join(temp.path, "libraries.tar");
      await run(["tar", "-chf", archive, ...libraries, ...names]);
      return await Deno.readFile(archive);
    }
    return `set -e
get() { /usr/bin/curl -fsSL "${server.url}/$1"; }
get mise > "$MISE_INSTALL_PATH"
if [ "$(uname -m)" = aarch64 ]; then
  mkdir -p /lib64 /usr/lib/x86_64-linux-gnu
  get libraries | tar -xf - -C /usr/lib/x86_64-linux-gnu
  mv /usr/lib/x86_64-linux-gnu/lib64/* /lib64/
  mv "$MISE_INSTALL_PATH" "$MISE_INSTALL_PATH.amd64"
  printf '#!/bin/sh\nMISE_ARCH=arm64 exec %s.amd64 "$@"\n' "$MISE_INSTALL_PATH" > "$MISE_INSTALL_PATH"
fi
chmod +x "$MISE_INSTALL_PATH"*
`;
  });
  return server;
}

/** The steps that BuildKit ran rather than found in its cache: `[tool-a 2/2] RUN …`. */
function ranSteps(log: string): readonly string[] {
  const names = new Map<string, string>();
  const cached = new Set<string>();
  for (const line of log.split("\n")) {
    const [, step = "", name] = /^(#\d+) (?:(\[.+\] .*)|.*)$/.exec(line) ?? [];
    if (name !== undefined) names.set(step, name);
    if (line === `${step} CACHED`) cached.add(step);
  }
  return [...names].filter(([step]) => !cached.has(step)).map(([, name]) => name);
}

interface Manifest {
  readonly layers: readonly { readonly digest: string }[];
}

/** The manifest of each platform of an archive. */
async function manifestsOf(archive: string): Promise<ReadonlyMap<string, Manifest>> {
  await using temp = await makeTempDir();
  await run(["tar", "-xf", archive, "-C", temp.path]);
  // deno-lint-ignore no-explicit-any
  const read = async (path: string): Promise<any> =>
    JSON.parse(await Deno.readTextFile(join(temp.path, path)));
  const blob = (digest: string): string => `blobs/${digest.replace(":", "/")}`;
  const [root] = (await read("index.json")).manifests;
  const top = await read(blob(root.digest));
  const entries = top.manifests === undefined
    ? [{ digest: root.digest, platform: root.platform }]
    : top.manifests.filter((one: { platform: { os: string } }) => one.platform.os !== "unknown");
  const found = new Map<string, Manifest>();
  for (const { digest, platform } of entries) {
    found.set(platform?.architecture ?? "amd64", await read(blob(digest)));
  }
  return found;
}

const PACKAGES = '[bootstrap.packages]\n"apt:cargo" = "latest"\n';

/** Whether to build for arm64 too: apt, cargo and mise under emulation take half an hour. */
const BOTH = has("arm64") && Deno.env.get("MISE_OCI_TEST_EMULATED_BUILD") === "1";
const PLATFORMS = BOTH ? "linux/amd64,linux/arm64" : "linux/amd64";

/** A project of a `cargo:` tool and another, and the base that BuildKit builds it on. */
interface Generated extends AsyncDisposable {
  /** Absolute directory of the project, with the Dockerfile. */
  readonly directory: string;
  /** Generates the Dockerfile for a version of the `cargo:` tool. */
  generate(version: string): Promise<void>;
}

async function createProject(): Promise<Generated> {
  const stack = new AsyncDisposableStack();
  const registry = stack.use(await startDockerRegistry());
  const mise = stack.use(await serveMise());
  const busybox = stack.use(await serveStaticTool());
  const project = stack.use(await createMiseProject());
  const crates = join(project.root, "crates");
  await Deno.mkdir(join(crates, "index/de/mo"), { recursive: true });
  const lines = [await writeCrate(crates, "1.0.0"), await writeCrate(crates, "1.0.1")];
  await Deno.writeTextFile(join(crates, "index/de/mo/demo"), `${lines.join("\n")}\n`);
  const debian = BOTH ? await pushBothBases(registry.host) : await pushBase(registry.host);
  const from = await deriveBase(debian, "rust", { layer: baseLayer(crates, mise.url) });
  const { directory, env } = project;
  const dockerfile = join(directory, "Dockerfile");
  return {
    directory,
    generate: async (version) => {
      const file = `[tools]\n"cargo:demo" = "${version}"\n${busybox.toml}${PACKAGES}`;
      await Deno.writeTextFile(join(directory, "mise.toml"), file);
      await project.runMise("trust", "--all");
      // mise knows the directories on PATH of what is installed.
      await project.runMise("install", "github:test/busybox");
      const flags = ["--from", from, "--no-mise", "--force", "-o", dockerfile];
      const made = await runProgram(["generate", "dockerfile", ...flags], {
        cwd: directory,
        env: { ...env },
      });
      assertEquals(made.code, 0, made.stderr);
      // Docker Hub, which has the frontend that the first line names, is not there in tests: BuildKit's own.
      const text = await Deno.readTextFile(dockerfile);
      await Deno.writeTextFile(dockerfile, text.replace(/^# syntax=.*\n/m, ""));
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** Runs every tool on each platform. */
async function runTools(archive: string, architectures: Iterable<string>): Promise<void> {
  for (const architecture of architectures) {
    // podman does not choose among the images of an archive, and takes an image's ID for that of another.
    await using podman = await startPodman();
    const layout = join(podman.root, "layout");
    const from = ["--override-arch", architecture, "copy", "--quiet", "--insecure-policy"];
    await run(["skopeo", ...from, `oci-archive:${archive}`, `oci:${layout}:latest`]);
    const pulled = await podman.run(["pull", "--quiet", `oci:${layout}:latest`]);
    const image = pulled.stdout.trim().split("\n").at(-1) ?? "";
    const script = "demo && busybox echo busybox";
    const { stdout } = await podman.run(["run", "--rm", image, "sh", "-c", script]);
    const cpu = architecture === "arm64" ? "aarch64" : "x86_64";
    assertEquals(stdout, `demo 1.0.1 on ${cpu}\nbusybox\n`);
  }
}

testWith(
  {
    needs: [
      ...["linux", "root", "mise", "base", "runc", "podman", "skopeo", "docker-registry"] as const,
      ...["buildctl", "buildkitd"] as const,
    ],
  },
  "generate dockerfile: BuildKit builds a cargo: tool and others, one layer a tool, and a bump builds one stage",
  async () => {
    await using project = await createProject();
    await using temp = await makeTempDir();
    await using buildkit = await startBuildkit();
    const { directory } = project;
    const output = join(temp.path, "image.tar");
    await project.generate("1.0.0");
    await buildkit.build({ directory, platform: PLATFORMS, output });
    const before = await manifestsOf(output);

    await project.generate("1.0.1");
    const ran = ranSteps(await buildkit.build({ directory, platform: PLATFORMS, output }));
    const stages = ran.flatMap((step) => /([^\s[]+) \d+\/\d+\] RUN/.exec(step)?.[1] ?? []);
    assertEquals([...new Set(stages)], ["tool-cargo-demo-1.0.1"], ran.join("\n"));
    const after = await manifestsOf(output);
    assertEquals([...after.keys()].sort(), BOTH ? ["amd64", "arm64"] : ["amd64"]);
    for (const [platform, { layers }] of after) {
      const old = new Set(before.get(platform)?.layers.map(({ digest }) => digest));
      assertEquals(layers.length, before.get(platform)?.layers.length);
      const changed = layers.filter(({ digest }) => !old.has(digest));
      // The tool, config.toml with its version, and the directory of WORKDIR, which has the time of the build.
      assert(changed.length <= 3, `${changed.length} of ${layers.length} layers changed`);
    }
    await runTools(output, after.keys());
  },
);
