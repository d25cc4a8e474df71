/**
 * `mise-oci rebase` as users run it, on real registries.
 */
import { assert, assertEquals, assertLess, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { runProgram, runProgramJson } from "../support/cli.ts";
import { archiveOf, BOTH, httpTool } from "../support/platforms.ts";
import { deriveBase, type DerivedBase } from "../support/derived_base.ts";
import { serveFiles } from "../support/node_mirror.ts";
import { makeBases } from "../support/preflight/bases.ts";
import { whyNoIsolation } from "../support/shell_rootfs.ts";
import { serveStaticTool } from "../support/static_tool.ts";
import { aptSource } from "../support/testbed/base.ts";
import { copyToRegistry } from "../support/testbed/base_images.ts";
import { keptLayout, toolsetBase } from "../support/toolset/bases.ts";
import {
  createMiseProject,
  type MiseProject,
  OCI_ARCH,
  program,
  pushBase,
  pushBothBases,
  run,
  startDockerRegistry,
  startPodman,
  testWith,
} from "../support/testbed.ts";

interface Pushed {
  readonly digest: string;
  readonly blobs: { readonly uploaded: number; readonly present: number; readonly mounted: number };
}

function options(project: MiseProject): { cwd: string; env: Record<string, string> } {
  const env = { SOURCE_DATE_EPOCH: "1700000000", MISE_OCI_CACHE_DIR: join(project.root, "cache") };
  return { cwd: project.directory, env: { ...project.env, ...env } };
}

const PROJECT = `
[env]
APP = "own"
BASE_VARIABLE = "kept"

[oci]
cmd = ["bash"]
workdir = "/work"
`;

/** A later base with everything in it that a base can change. */
const NEWER: DerivedBase = {
  config: {
    Env: ["PATH=/opt/base/bin:/usr/bin:/bin", "BASE_VARIABLE=other", "MORE=yes"],
    Cmd: ["sh"],
    WorkingDir: "/srv",
    StopSignal: "SIGTERM",
    Labels: { "org.example.base": "newer", "org.example.more": "yes" },
  },
  layer: "mkdir -p usr/local && echo fixed > usr/local/fixed",
};

testWith(
  { needs: ["linux", "root", "mise", "base", "skopeo", "docker-registry"] },
  "rebase: gives the bytes that a build on the new base would, in the registry",
  async () => {
    await using registry = await startDockerRegistry();
    await using project = await createMiseProject({ tools: ["prettier"], toml: PROJECT });
    const from = await pushBase(registry.host);
    const newer = await deriveBase(from, "newer", NEWER);
    const repository = `${registry.host}/team/dev`;
    const first = await runProgramJson<Pushed>(
      ["push", "--from", from, `${repository}:1`],
      options(project),
    );
    const flags = ["rebase", `${repository}:1`, "--onto", newer];
    const aside = await runProgramJson<Pushed>([...flags, "--tag", "aside"], options(project));
    // The layers of both bases are there or mounted; a config alone is sent.
    assertEquals(aside.blobs, { ...aside.blobs, uploaded: 1, mounted: 1 });
    const again = await runProgramJson<Pushed>(["push", "--from", from, `${repository}:1`], {
      ...options(project),
    });
    assertEquals(again.digest, first.digest, "--tag leaves the image's own tag as it is");

    const started = performance.now();
    const result = await runProgram(flags, options(project));
    const took = performance.now() - started;
    assertEquals(result.code, 0, result.stderr);
    assertStringIncludes(result.stdout, `at ${repository}:1 onto ${newer} (0 uploaded, `);
    const built = await runProgramJson<Pushed>(
      ["push", "--from", newer, `${repository}:built`],
      options(project),
    );
    const { stdout } = await run(
      ["skopeo", "inspect", "--tls-verify=false", "--config", `docker://${repository}:1`],
    );
    assertEquals(aside.digest, built.digest, stdout);
    const config = JSON.parse(stdout).config;
    assert(config.Env.includes("BASE_VARIABLE=kept"), "the project's own, though the base had it");
    assert(config.Env.includes("MORE=yes"));
    assertEquals([config.Cmd, config.StopSignal], [["bash"], "SIGTERM"]);
    // And back again: nothing of the base in between stays.
    const back = await runProgramJson<Pushed>(
      ["rebase", `${repository}:1`, "--onto", from],
      options(project),
    );
    assertEquals(back.digest, first.digest);
    assertLess(took, 20_000);
  },
);

testWith(
  { needs: ["linux", "root", "mise", "base", "skopeo", "docker-registry"] },
  "rebase: refused with the reason, and the tag unchanged, where the image would not be true",
  async () => {
    await using registry = await startDockerRegistry();
    await using project = await createMiseProject({
      tools: ["node"],
      toml: '\n[oci]\nmount_point = "/opt/tools"\n',
    });
    const from = await pushBase(registry.host);
    const image = `${registry.host}/team/dev:1`;
    const { digest } = await runProgramJson<Pushed>(
      ["push", "--no-mise", "--from", from, image],
      options(project),
    );
    const refused = async (name: string, layer: string, reason: string): Promise<void> => {
      const base = await deriveBase(from, name, { layer });
      const { code, stderr } = await runProgram(
        ["rebase", image, "--onto", base],
        options(project),
      );
      assertEquals(code, 1, stderr);
      assertStringIncludes(stderr, reason);
      const { stdout } = await run(
        ["skopeo", "inspect", "--tls-verify=false", "--format", "{{.Digest}}", `docker://${image}`],
      );
      assertEquals(stdout.trim(), digest);
    };
    await refused(
      "reserved",
      "mkdir -p opt/tools && chown 1000:1000 opt/tools",
      'the base reserves "/opt/tools" (mode 0755, owner 1000:1000)',
    );
    await refused("gone", "touch .wh.opt", 'the image needs the directory "/opt" of its base');
    await refused(
      "library",
      "mkdir -p usr/lib/$(uname -m)-linux-gnu && touch usr/lib/$(uname -m)-linux-gnu/.wh.libstdc++.so.6",
      "libstdc++.so.6",
    );
    await refused(
      "older",
      // A glibc whose version symbols end before those that node asks for is one that has none.
      "mkdir -p usr/lib/$(uname -m)-linux-gnu && touch usr/lib/$(uname -m)-linux-gnu/.wh.libm.so.6",
      "libm.so.6",
    );
    const user = await deriveBase(from, "user", { config: { User: "daemon" } });
    const other = await runProgram(["rebase", image, "--onto", user], options(project));
    assertStringIncludes(other.stderr, 'would run as "daemon" of the new base');
    const usage = await runProgram(["rebase", `${image}@${digest}`, "--onto", from], {
      ...options(project),
    });
    assertEquals([usage.code, usage.stderr.includes("--tag")], [2, true]);
  },
);

/** The C library of the release of Debian before this machine's, and no more. */
const OLDER_SUITES: Readonly<Record<string, string>> = { bookworm: "bullseye", trixie: "bookworm" };

async function olderGlibc(): Promise<string> {
  const { suite, mirror } = aptSource();
  return await keptLayout("older-glibc", async (tar) => {
    const flags = ["--quiet", "--variant=extract", "--include=base-files,libc6,dash"];
    await run(["mmdebstrap", ...flags, OLDER_SUITES[suite] ?? suite, tar, mirror]);
  });
}

/** A tool that is a program of this machine's Debian: it asks for the newest symbols of its C library. */
async function serveDebianProgram(): Promise<AsyncDisposable & { readonly toml: string }> {
  const root = join(await makeBases(OCI_ARCH), "debian");
  const archive = await archiveOf("debian-env", await Deno.readFile(join(root, "usr/bin/env")));
  const server = serveFiles(() => archive);
  return {
    toml: httpTool("debian-env", `${server.url}/env.tar.gz`),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

testWith(
  { needs: ["linux", "root", "mise", "base", "podman", "runc", "skopeo", "docker-registry"] },
  "rebase: refused onto musl and onto an older glibc, and for packages of the old base, the tag unchanged",
  async () => {
    await using registry = await startDockerRegistry();
    await using server = await serveDebianProgram();
    await using project = await createMiseProject({ toml: server.toml, ownData: true });
    await project.runMise("install");
    const from = await pushBase(registry.host);
    const image = `${registry.host}/team/dev:1`;
    const flags = ["push", "--no-mise", "--from", from, image];
    const push = async (): Promise<string> =>
      (await runProgramJson<Pushed>(flags, options(project))).digest;
    const refused = async (base: string, reason: RegExp, digest: string): Promise<void> => {
      const { code, stderr } = await runProgram(["rebase", image, "--onto", base], {
        ...options(project),
      });
      assertEquals(code, 1, stderr);
      assertMatch(stderr, reason);
      const { stdout } = await run(
        ["skopeo", "inspect", "--tls-verify=false", "--format", "{{.Digest}}", `docker://${image}`],
      );
      assertEquals(stdout.trim(), digest);
    };
    const real = async (name: string, layout: string): Promise<string> => {
      const reference = `${registry.host}/real:${name}`;
      await copyToRegistry(layout.replace(/^oci:/, ""), reference);
      return reference;
    };
    const digest = await push();
    await refused(
      await real("musl", await toolsetBase("musl")),
      /debian-env does not start in the image: its loader \/lib.* is missing/,
      digest,
    );
    await refused(await real("older", await olderGlibc()), /debian-env.*GLIBC_2\.\d+/s, digest);
    if (whyNoIsolation !== undefined) return;
    const config = join(project.directory, "mise.toml");
    const packages = '\n[bootstrap.packages]\n"apt:hello" = "latest"\n';
    await Deno.writeTextFile(config, `${server.toml}${packages}`);
    await project.runMise("trust", "--all");
    const newer = await deriveBase(from, "newer", NEWER);
    await refused(newer, /its layer of system packages was made for the old base/, await push());
  },
);

interface Rebased {
  readonly digest: string;
  readonly images: readonly { readonly base: string }[];
}

/** What an image of a registry says on each platform: the base that it names, and what `command` prints. */
async function runBoth(image: string, command: readonly string[]): Promise<readonly string[]> {
  await using podman = await startPodman();
  const found: string[] = [];
  for (const architecture of ["amd64", "arm64"]) {
    const pulled = await podman.run(
      ["pull", "--quiet", "--tls-verify=false", "--arch", architecture, image],
    );
    const id = pulled.stdout.trim().split("\n").at(-1) ?? "";
    const { stdout } = await podman.run(["run", "--rm", id, ...command]);
    found.push(stdout.trim());
  }
  return found;
}

/** The bases that the manifests of an index name, by their annotations. */
async function basesOf(image: string): Promise<readonly string[]> {
  const crane = async (reference: string): Promise<string> =>
    (await run([program("crane"), "manifest", "--insecure", reference])).stdout;
  const { manifests } = JSON.parse(await crane(image));
  const names = await Promise.all(manifests.map(async ({ digest }: { digest: string }) => {
    const { annotations } = JSON.parse(await crane(`${image.replace(/:[^:]*$/, "")}@${digest}`));
    return annotations["org.opencontainers.image.base.name"];
  }));
  return names;
}

testWith(
  {
    needs: [
      ...["linux", "root", "mise", "base", "arm64", "crane", "skopeo", "podman", "runc"] as const,
      "docker-registry",
    ],
  },
  "rebase: both platforms of an index, in a second and a half, run on the new base and name it; a base of one is refused",
  async () => {
    await using registry = await startDockerRegistry();
    await using server = await serveStaticTool();
    await using project = await createMiseProject({
      toml: `${server.toml}[oci]\nworkdir = "/work"\n`,
      ownData: true,
    });
    await project.runMise("install");
    const from = await pushBothBases(registry.host);
    const newer = await deriveBase(from, "newer", NEWER);
    const image = `${registry.host}/team/dev:1`;
    const flags = [...BOTH, "--no-mise"];
    await runProgramJson<Pushed>(["push", "--from", from, ...flags, image], options(project));
    const one = await runProgram(
      ["rebase", image, "--onto", `${registry.host}/debian:amd64`],
      options(project),
    );
    assertStringIncludes(one.stderr, "linux/arm64");
    // The first image that goes onto a base has its files read; what they are is kept.
    const aside = ["rebase", image, "--onto", newer, "--tag", "aside"];
    await runProgramJson<Rebased>(aside, options(project));
    const started = performance.now();
    const { digest, images } = await runProgramJson<Rebased>(
      ["rebase", image, "--onto", newer],
      options(project),
    );
    const seconds = (performance.now() - started) / 1000;
    // A second and a half on a machine that does nothing else.
    assertLess(seconds, 8);
    const built = await runProgramJson<Pushed>(
      ["push", "--from", newer, ...flags, `${registry.host}/team/dev:built`],
      options(project),
    );
    assertEquals(digest, built.digest);
    await run([program("crane"), "validate", "--insecure", "--remote", image]);
    assertEquals(images.length, 2);
    assertEquals(await basesOf(image), [newer, newer]);
    const script = "uname -m; busybox cat /usr/local/fixed; echo $MORE";
    assertEquals(await runBoth(image, ["sh", "-c", script]), [
      "x86_64\nfixed\nyes",
      "aarch64\nfixed\nyes",
    ]);
  },
);
