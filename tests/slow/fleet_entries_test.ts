/**
 * Entries of a layer store as other programs use them: ordinary images.
 */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { runProgramJson } from "../support/cli.ts";
import { serveStaticTool } from "../support/static_tool.ts";
import {
  createMiseProject,
  type MiseProject,
  type Podman,
  program,
  pushBase,
  run,
  startDockerRegistry,
  startPodman,
  testWith,
  TOOLS,
} from "../support/testbed.ts";

interface Pushed {
  readonly digest: string;
  readonly blobs: { readonly uploaded: number; readonly present: number; readonly mounted: number };
  readonly layers: readonly { readonly name: string; readonly digest: string }[];
}

const COMMON = ["node", "prettier", "typescript"] as const;

function push(project: MiseProject, ...args: readonly string[]): Promise<Pushed> {
  const env = { SOURCE_DATE_EPOCH: "1700000000", MISE_OCI_CACHE_DIR: join(project.root, "cache") };
  return runProgramJson<Pushed>(["push", ...args], {
    cwd: project.directory,
    env: { ...project.env, ...env },
  });
}

/** Pulls images of a registry without TLS. */
async function pull(podman: Podman, ...images: readonly string[]): Promise<void> {
  for (const image of images) await podman.run(["pull", "--quiet", "--tls-verify=false", image]);
}

testWith(
  {
    needs: [
      "linux",
      "root",
      "mise",
      "base",
      "crane",
      "podman",
      "runc",
      "buildah",
      "docker-registry",
    ],
  },
  "layer store: two projects share three tools, and each entry runs, mounts and is copied from like any image",
  async () => {
    await using registry = await startDockerRegistry();
    await using server = await serveStaticTool();
    const base = await pushBase(registry.host);
    const store = `${registry.host}/team/layers`;
    const flags = ["--from", base, "--store", store, "--store-push"];
    await using one = await createMiseProject({
      tools: COMMON,
      toml: server.toml,
      ownData: true,
    });
    await one.runMise("install");
    await push(one, ...flags, `${registry.host}/team/one:1`);
    await using two = await createMiseProject({ tools: [...COMMON, "eslint"] });
    const second = await push(two, ...flags, `${registry.host}/team/two:1`);
    // Sent: eslint, config.toml and a config. Mounted: the base, the three tools and mise.
    assertEquals(second.blobs, { ...second.blobs, uploaded: 3, present: 0, mounted: 5 });

    const crane = async (...args: string[]): Promise<string> =>
      (await run([program("crane"), ...args, "--insecure"])).stdout;
    const tags = (await crane("ls", store)).trim().split("\n");
    assertEquals(tags.filter((tag) => !tag.startsWith("facts-")).length, 6);
    for (const tag of tags) await crane("validate", "--remote", `${store}:${tag}`);
    const entryOf = (name: string): string =>
      `${store}:${tags.find((tag) => tag.startsWith(name)) ?? name}`;
    const [busybox, node] = [entryOf("github-test-busybox"), entryOf("npm-node")];

    await using podman = await startPodman();
    await pull(podman, base, busybox, node);
    // A static program needs nothing else; its directory is on the entry's PATH.
    const ran = await podman.run(["run", "--rm", busybox, "busybox", "echo", "runs"]);
    assertEquals(ran.stdout, "runs\n");
    const { key, version } = TOOLS.node;
    const path = `/mise/installs/${key.replace(":", "-")}/${version}/bin/node`;
    const mount = `type=image,source=${node},destination=/tools`;
    const mounted = await podman.run(
      ["run", "--rm", "--mount", mount, base, `/tools${path}`, "--version"],
    );
    assertEquals(mounted.stdout, `v${version}\n`);

    const file = join(podman.root, "Containerfile");
    await Deno.writeTextFile(file, `FROM ${base}\nCOPY --from=${node} ${path} /usr/bin/node\n`);
    const build = ["buildah", "bud", "--isolation=chroot", "--tls-verify=false"] as const;
    await run([...build, "--quiet", "--tag", "copied", "--file", file, podman.root], {
      env: podman.env,
    });
    const copied = await podman.run(["run", "--rm", "localhost/copied", "node", "--version"]);
    assertStringIncludes(copied.stdout, version);
  },
);
