/**
 * `mise-oci push` as users run it, to a real registry, read back by skopeo.
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { dirname, join } from "@std/path";
import { runProgram, runProgramJson } from "../support/cli.ts";
import { checkLayout, readImage } from "../support/layout.ts";
import {
  createMiseProject,
  type MiseProject,
  pushBase,
  run,
  type RunResult,
  startDockerRegistry,
  testUnless,
  testWith,
  which,
} from "../support/testbed.ts";

const EPOCH = { SOURCE_DATE_EPOCH: "1700000000" };

interface Pushed {
  readonly digest: string;
  readonly manifestDigest: string;
  readonly blobs: { readonly uploaded: number; readonly present: number; readonly mounted: number };
  readonly layers?: readonly {
    readonly name: string;
    readonly status: string;
    readonly digest: string;
  }[];
}

function push(project: MiseProject, args: readonly string[]): Promise<Pushed> {
  return runProgramJson<Pushed>(["push", ...args], {
    cwd: project.directory,
    env: { ...project.env, ...EPOCH },
  });
}

function tryPush(project: MiseProject, args: readonly string[]): Promise<RunResult> {
  return runProgram(["push", ...args], {
    cwd: project.directory,
    env: { ...project.env, ...EPOCH },
  });
}

async function rawManifest(reference: string): Promise<string> {
  const result = await run([
    "skopeo",
    "inspect",
    "--raw",
    "--tls-verify=false",
    `docker://${reference}`,
  ]);
  return result.stdout;
}

async function sha256(text: string): Promise<string> {
  const hash = new Uint8Array(
    await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)),
  );
  return `sha256:${Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

testWith(
  { needs: ["linux", "root", "mise", "base", "skopeo", "docker-registry"] },
  "push: uploads once, mounts the base, and skopeo reads the same image back",
  async () => {
    await using registry = await startDockerRegistry();
    await using project = await createMiseProject({ tools: ["prettier", "typescript"] });
    const from = await pushBase(registry.host);
    const layout = join(project.root, "image");
    await runProgramJson(["build", "--from", from, "-o", layout], {
      cwd: project.directory,
      env: { ...project.env, ...EPOCH },
    });
    const local = await readImage(layout);

    const first = await push(project, ["--from", from, `${registry.host}/team/dev:1`]);
    assertEquals(first.digest, local.entry.digest);
    assertEquals(first.blobs, { ...first.blobs, present: 0, mounted: 1 });
    const again = await push(project, ["--from", from, `${registry.host}/team/dev:1`]);
    assertEquals([again.blobs.uploaded, again.blobs.mounted], [0, 0]);
    const second = await push(project, ["--image-dir", layout, `${registry.host}/team/dev:2`]);
    assertEquals([second.digest, second.blobs.uploaded], [local.entry.digest, 0]);
    const text = await tryPush(project, ["--image-dir", layout, `${registry.host}/team/dev:3`]);
    assertStringIncludes(
      text.stdout,
      `pushed ${local.entry.digest} to ${registry.host}/team/dev:3 (0 uploaded, `,
    );

    assertEquals(await sha256(await rawManifest(`${registry.host}/team/dev:2`)), first.digest);
    const back = join(project.root, "back");
    const source = `docker://${registry.host}/team/dev:1`;
    const copy = [
      "skopeo",
      "copy",
      "--quiet",
      "--insecure-policy",
      "--src-tls-verify=false",
    ] as const;
    await run([...copy, source, `oci:${back}:x`]);
    await checkLayout(back);
    assertEquals((await readImage(back, "x")).entry.digest, local.entry.digest);
    assertEquals((await readImage(back, "x")).manifest, local.manifest);
  },
);

testWith(
  { needs: ["linux", "mise", "docker-registry"] },
  "push: a tool that is not installed is reused from the registry, unless --no-cache",
  async () => {
    await using registry = await startDockerRegistry();
    await using project = await createMiseProject({
      tools: ["prettier", "typescript"],
      ownData: true,
    });
    const args = ["--from", "scratch", `${registry.host}/team/dev:1`];
    const first = await push(project, args);
    await Deno.remove(project.installPath("prettier"), { recursive: true });
    const one = await tryPush(project, args);
    assertStringIncludes(one.stdout, `pushed ${first.digest} to`);
    assertStringIncludes(one.stdout, ", 1 reused)");
    await Deno.remove(join(project.root, "mise/home/.cache"), { recursive: true });
    const second = await push(project, args);
    assertEquals(second.digest, first.digest);
    assertEquals(second.layers?.map(({ name, status }) => [name, status]).slice(0, 2), [
      ["npm:prettier", "reused"],
      ["npm:typescript", "reused"],
    ]);
    const named = await tryPush(project, args);
    assertStringIncludes(named.stdout, "reused npm:prettier 3.6.2 from");
    const refused = await tryPush(project, ["--no-cache", ...args]);
    assertEquals(refused.code, 1);
    assertStringIncludes(refused.stderr, "Tool is not installed: npm:prettier@3.6.2");
    const other = await tryPush(project, [
      "--cache-from",
      `${registry.host}/other/repo:1`,
      ...args,
    ]);
    assertEquals(other.code, 2);
    assertStringIncludes(other.stderr, "repository");
    assertStringIncludes(other.stderr, `${registry.host}/team/dev`);
  },
);

testWith(
  { needs: ["linux", "mise", "docker-registry"] },
  "push: a layer that the registry has lost is built again, or its tool is named",
  async () => {
    await using registry = await startDockerRegistry();
    await using project = await createMiseProject({ tools: ["prettier"], ownData: true });
    const args = ["--from", "scratch", "--no-mise", `${registry.host}/team/dev:1`];
    const first = await push(project, args);
    const lose = async (): Promise<void> => {
      const url = `${registry.url}/v2/team/dev/blobs/${first.layers?.[0]?.digest}`;
      assertEquals((await fetch(url, { method: "DELETE" })).status, 202);
      await Deno.remove(join(project.root, "mise/home/.cache"), { recursive: true });
    };
    await lose();
    const healed = await push(project, args);
    assertEquals([healed.layers?.[0]?.status, healed.blobs.uploaded], ["built", 1]);
    await lose();
    await Deno.remove(project.installPath("prettier"), { recursive: true });
    const refused = await tryPush(project, args);
    assertEquals(refused.code, 1);
    assertStringIncludes(refused.stderr, "Not all layers are reused: the registry has lost 1 of");
    assertStringIncludes(refused.stderr, "Tool is not installed: npm:prettier@3.6.2");
  },
);

testWith(
  { needs: ["linux", "mise", "docker-registry"] },
  "D19: push builds an installed tool whose content is not what the registry's layer says it is",
  async () => {
    await using registry = await startDockerRegistry();
    await using project = await createMiseProject({ tools: ["prettier"], ownData: true });
    const args = ["--from", "scratch", "--no-mise", `${registry.host}/team/dev:1`];
    const first = await push(project, args);
    await Deno.writeTextFile(join(project.installPath("prettier"), "changed"), "local change");
    const second = await push(project, args);
    assertEquals(second.layers?.[0]?.status, "built");
    assert(second.layers?.[0]?.digest !== first.layers?.[0]?.digest);
  },
);

testWith(
  { needs: ["linux", "mise", "docker-registry"] },
  "push --update-index: a tag of one image becomes an index that keeps it, and its platform's entry is replaced",
  async () => {
    await using registry = await startDockerRegistry();
    await using project = await createMiseProject({ tools: ["prettier"] });
    const reference = `${registry.host}/team/dev:1`;
    const build = async (platform: string): Promise<string> => {
      const layout = join(project.root, platform.replace("/", "-"));
      const args = [
        "build",
        "--from",
        "scratch",
        "--no-mise",
        "--platform",
        platform,
        "-o",
        layout,
      ];
      await runProgramJson(args, { cwd: project.directory, env: { ...project.env, ...EPOCH } });
      return layout;
    };
    const [amd64, arm64] = [await build("linux/amd64"), await build("linux/arm64")];
    const single = await push(project, ["--image-dir", amd64, reference]);
    const index = await push(project, ["--update-index", "--image-dir", arm64, reference]);
    assert(index.digest !== index.manifestDigest);
    const same = await push(project, ["--update-index", "--image-dir", arm64, reference]);
    assertEquals(same.digest, index.digest);
    const raw = JSON.parse(await rawManifest(reference)) as {
      manifests: { digest: string; platform: { architecture: string } }[];
    };
    assertEquals(raw.manifests.map(({ digest, platform }) => [platform.architecture, digest]), [
      ["amd64", single.manifestDigest],
      ["arm64", index.manifestDigest],
    ]);
  },
);

testWith(
  { needs: ["linux", "mise", "docker-registry"] },
  "D06: push refuses a layout with a flipped blob, names it, and leaves the registry without the tag",
  async () => {
    await using registry = await startDockerRegistry();
    await using project = await createMiseProject({ tools: ["prettier"] });
    const layout = join(project.root, "image");
    const args = ["build", "--from", "scratch", "--no-mise", "-o", layout];
    await runProgramJson(args, { cwd: project.directory, env: { ...project.env, ...EPOCH } });
    const { digest } = (await readImage(layout)).manifest.layers[0]!;
    const blob = join(layout, "blobs/sha256", digest.slice(7));
    const bytes = await Deno.readFile(blob);
    bytes[bytes.length >> 1]! ^= 1;
    await Deno.remove(blob);
    await Deno.writeFile(blob, bytes);
    const refused = await tryPush(project, ["--image-dir", layout, `${registry.host}/team/dev:1`]);
    assertEquals(refused.code, 1);
    assertStringIncludes(refused.stderr, digest);
    const answer = await fetch(`http://${registry.host}/v2/team/dev/manifests/1`);
    await answer.body?.cancel();
    assertEquals(answer.status, 404);
  },
);

testWith(
  { needs: ["linux", "mise", "docker-registry", "skopeo"] },
  "push --tool skopeo sends the same image, built or from a layout",
  async () => {
    await using registry = await startDockerRegistry();
    await using project = await createMiseProject({ tools: ["prettier"] });
    const layout = join(project.root, "image");
    const build = ["--from", "scratch", "--no-mise"];
    await runProgramJson(["build", ...build, "-o", layout], {
      cwd: project.directory,
      env: { ...project.env, ...EPOCH },
    });
    const { entry: { digest } } = await readImage(layout);
    for (const [tag, args] of [["layout", ["--image-dir", layout]], ["built", build]] as const) {
      const reference = `${registry.host}/team/dev:${tag}`;
      const result = await tryPush(project, ["--tool", "skopeo", ...args, reference]);
      assertEquals(result.code, 0, result.stderr);
      assertStringIncludes(result.stdout, `pushed ${digest} to ${reference}`);
      assertEquals(await sha256(await rawManifest(reference)), digest);
    }
    const crane = await tryPush(project, [
      ...["--tool", "crane", "--image-dir", layout, `${registry.host}/team/dev:crane`],
    ]);
    if (which("crane") === undefined) {
      assertEquals(crane.code, 1);
      assertStringIncludes(crane.stderr, 'Cannot run "crane": it is not on PATH');
    } else assertEquals(crane.code, 0, crane.stderr);
  },
);

/** An address of this machine that is not loopback. */
const OWN_ADDRESS = Deno.networkInterfaces().find(({ family, address }) =>
  family === "IPv4" && !address.startsWith("127.")
)?.address;

testUnless(
  OWN_ADDRESS === undefined ? "the machine has no address but loopback" : undefined,
  {
    needs: ["linux", "mise", "docker-registry"],
    name: "R42: push over plain http where the project's settings list the registry",
  },
  async () => {
    await using registry = await startDockerRegistry({ address: OWN_ADDRESS ?? "" });
    await using project = await createMiseProject({ tools: ["prettier"] });
    const layout = join(project.root, "elsewhere/image");
    await Deno.mkdir(dirname(layout));
    const build = ["--from", "scratch", "--no-mise"];
    const env = { ...project.env, ...EPOCH };
    await runProgramJson(["build", ...build, "-o", layout], { cwd: project.directory, env });
    const args = ["--image-dir", layout, `${registry.host}/team/dev:1`];
    const refused = await tryPush(project, args);
    assertEquals(refused.code, 1);
    assertStringIncludes(refused.stderr, `list "${registry.host}" in oci.insecure_registries`);
    const config = join(project.directory, "mise.toml");
    const settings = `\n[settings]\noci.insecure_registries = ["${registry.host}"]\n`;
    await Deno.writeTextFile(config, settings, { append: true });
    await project.runMise("trust", "--quiet");
    assertEquals((await push(project, args)).blobs.uploaded, 3);
    const built = await push(project, [...build, `${registry.host}/team/dev:2`]);
    assertEquals(built.blobs.uploaded, 0);
  },
);

testWith(
  { needs: ["linux", "mise"] },
  "push names what is wrong with its destination or its layout before it does anything",
  async () => {
    await using project = await createMiseProject({ tools: ["prettier"] });
    const cases: readonly (readonly [args: readonly string[], code: number, says: string])[] = [
      [["--from", "scratch", "team/dev:1"], 2, "team/dev:1"],
      [["--from", "scratch", `127.0.0.1:1/a@sha256:${"0".repeat(64)}`], 2, "digest"],
      [["--image-dir", project.directory, "127.0.0.1:1/a:1"], 1, "oci-layout"],
      [
        ["--image-dir", join(project.directory, "absent"), "127.0.0.1:1/a:1"],
        1,
        "Cannot find an image at",
      ],
      [["--from", "scratch", "--no-mise", "127.0.0.1:1/a:1"], 1, "127.0.0.1:1"],
      [[], 2, "REF"],
    ];
    for (const [args, code, says] of cases) {
      const result = await tryPush(project, args);
      assertEquals([result.code, result.stdout], [code, ""], result.stderr);
      assertStringIncludes(result.stderr, says);
    }
  },
);
