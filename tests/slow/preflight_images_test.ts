/**
 * The check where it takes long to see that it is right: a Node.js that needs a library which a minimal Debian
 * does not have, and images of another builder.
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { runProgram, runProgramJson } from "../support/cli.ts";
import { tryBuild } from "../support/image_project.ts";
import { makeCorpus, whyNoCorpus } from "../support/preflight/corpus.ts";
import { whyNoIsolation } from "../support/shell_rootfs.ts";
import {
  buildBase,
  copyBase,
  createMiseProject,
  type MiseProject,
  run,
  startPodman,
  testUnless,
  testWith,
} from "../support/testbed.ts";

/** A project with Node.js 26 of the corpus, and tools that run on it. */
async function makeProject(): Promise<MiseProject> {
  const project = await createMiseProject({
    tools: ["prettier", "eslint", "typescript"],
    toml: `node = "26.10.0" # the newest

[oci]
from = "oci:${await buildBase()}:latest"

[env]
# mine
A = "1"
`,
    ownData: true,
  });
  const node = join(project.root, "node26/bin");
  await Deno.mkdir(node, { recursive: true });
  await Deno.copyFile(join(await makeCorpus(), "bin/node26"), join(node, "node"));
  await project.runMise("link", "node@26.10.0", join(project.root, "node26"));
  return project;
}

interface Check {
  readonly ok: boolean;
  readonly problems: readonly {
    readonly type: string;
    readonly commands: readonly string[];
    readonly dependents: readonly string[];
    readonly remedies: readonly { readonly packages?: readonly { readonly name: string }[] }[];
  }[];
}

testUnless(
  whyNoCorpus() ?? whyNoIsolation,
  {
    needs: ["linux", "root", "mise", "base", "podman", "runc"],
    name: "check: Node.js 26 on minimal Debian is warned about, --fix adds libatomic1, and it runs",
  },
  async () => {
    await using project = await makeProject();
    const { env, directory, root } = project;
    const image = join(root, "image");
    const config = join(directory, "mise.toml");
    const before = await Deno.readTextFile(config);

    const strict = await tryBuild(project, ["--no-mise", "--strict"]);
    assertEquals(strict.code, 1);
    assertStringIncludes(strict.stderr, "The image fails its check");
    const index = await Deno.readTextFile(join(image, "index.json")).catch(() => "");
    assert(!index.includes("sha256:"), "nothing is written");

    const warned = await tryBuild(project, ["--no-mise"]);
    assertEquals(warned.code, 0, warned.stderr);
    const words = ["libatomic.so.1", "node does not start", "eslint, prettier, tsc and tsserver"];
    for (const text of [...words, "apt:libatomic1"]) assertStringIncludes(warned.stderr, text);
    assertEquals(
      (await tryBuild(project, ["--no-mise", "--no-check"])).stderr.includes("libatomic"),
      false,
    );

    const checked = await runProgram(["check", "--json", image], { env, cwd: directory });
    assertEquals(checked.code, 1);
    const { ok, problems }: Check = JSON.parse(checked.stdout);
    assertEquals([ok, problems.length], [false, 1]);
    assertEquals(problems[0]?.type, "missing-library");
    assertEquals(problems[0]?.commands, ["node"]);
    assertEquals(problems[0]?.dependents, ["eslint", "prettier", "tsc", "tsserver"]);
    assertEquals(problems[0]?.remedies[0]?.packages?.[0]?.name, "libatomic1");
    assertEquals(await Deno.readTextFile(config), before);

    const fixed = await tryBuild(project, ["--no-mise", "--fix", "--strict"]);
    assertEquals(fixed.code, 0, fixed.stderr);
    assertStringIncludes(fixed.stderr, '"apt:libatomic1" = "latest"');
    assertEquals(
      await Deno.readTextFile(config),
      `${before}\n[bootstrap.packages]\n"apt:libatomic1" = "latest"\n`,
    );
    const after = await runProgramJson<Check>(["check", image], { env, cwd: directory });
    assertEquals([after.ok, after.problems], [true, []]);
    await using podman = await startPodman();
    const ran = await podman.runLayout(image, ["sh", "-c", "node --version && prettier --version"]);
    assertEquals(ran.stdout, "v26.10.0\n3.6.2\n", ran.stderr);
  },
);

testWith(
  { needs: ["linux", "root", "base", "podman", "runc", "buildah"] },
  "check: an image built by buildah gives no false alarm, and what it breaks is found",
  async () => {
    await using podman = await startPodman();
    const { env, root } = podman;
    await copyBase(join(root, "base"));
    const buildah = async (...args: readonly string[]): Promise<string> =>
      (await run(["buildah", ...args], { env })).stdout.trim();
    const container = await buildah("from", "--quiet", `oci:${root}/base:latest`);
    const change = (script: string): Promise<string> =>
      buildah("run", "--isolation=chroot", container, "--", "sh", "-c", script);
    const check = async (name: string): Promise<Check> => {
      const layout = `oci:${root}/${name}:${name}`;
      await buildah("commit", "--quiet", container, layout);
      const own = { ...Deno.env.toObject(), XDG_CACHE_HOME: join(root, "cache") };
      const { stdout } = await runProgram(["check", "--json", layout], { env: own, cwd: root });
      return JSON.parse(stdout);
    };
    await change(`cd /usr/local/bin && printf '#!/usr/bin/env perl\\n' >hi && chmod 755 hi
      ln -s hi hello && rm -rf /usr/share/doc && mv /usr/lib/apt /opt/apt && ln -s /opt/apt /usr/lib/apt`);
    const good = await check("good");
    assertEquals([good.ok, good.problems], [true, []], JSON.stringify(good));
    await change("rm /usr/bin/perl /usr/bin/perl5*");
    const bad = await check("bad");
    assertEquals(bad.ok, false);
    const failing = bad.problems.flatMap((
      { commands, dependents },
    ) => [...commands, ...dependents]);
    for (const name of ["hi", "hello", "debconf"]) assert(failing.includes(name), `${failing}`);
    assertEquals(failing.includes("bash"), false);
  },
);
