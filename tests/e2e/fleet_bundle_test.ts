/**
 * `mise-oci bundle` as users run it.
 */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { programCommand, runProgram, runProgramJson } from "../support/cli.ts";
import { checkLayout } from "../support/layout.ts";
import {
  createMiseProject,
  type MiseProject,
  run,
  type RunResult,
  startDockerRegistry,
  testWith,
} from "../support/testbed.ts";

interface Bundled {
  readonly images: readonly { readonly name: string; readonly digest: string }[];
  readonly layers: { readonly count: number; readonly bytes: number };
  readonly left: { readonly count: number; readonly bytes: number };
}

function options(project: MiseProject): { cwd: string; env: Record<string, string> } {
  const env = { SOURCE_DATE_EPOCH: "1700000000" };
  return { cwd: project.directory, env: { ...project.env, ...env } };
}

/** `-o -`: the archive on stdout, and what is said about it on stderr. */
async function readStream(project: MiseProject, image: string): Promise<void> {
  const command = programCommand(["bundle", image, "-o", "-"]);
  const list = await run(["sh", "-c", '"$@" | tar -t', "sh", ...command], options(project));
  assertEquals(list.stdout.split("\n").includes("oci-layout"), true);
  assertStringIncludes(list.stderr, "bundled 3 layers");
}

/** Command lines that are refused. */
async function tryMistakes(project: MiseProject, image: string): Promise<void> {
  const wrong = (...args: string[]): Promise<RunResult> =>
    runProgram(["bundle", ...args], options(project));
  assertStringIncludes((await wrong(image)).stderr, "-o FILE");
  assertStringIncludes((await wrong("-o", "x.tar")).stderr, "Missing argument IMAGE");
  assertStringIncludes((await wrong(image, image, "-o", "x.tar")).stderr, "two images named");
}

/** Makes and delivers an update on top of update.tar, which has only a part of its image. */
async function checkNextUpdate(
  project: MiseProject,
  image: (tag: string) => string,
): Promise<void> {
  const copies = ["--copy", "a:/srv/a", "--copy", "b:/srv/b"];
  const flags = ["push", "--from", "scratch", "--no-mise", ...copies];
  await runProgramJson([...flags, image("newest")], options(project));
  const next = await runProgramJson<Bundled>(
    ["bundle", image("newest"), "--without", "update.tar", "-o", "next.tar"],
    options(project),
  );
  assertEquals([next.layers.count, next.left.count], [1, 3]);
  const pushed = await runProgram(
    ["push", "--image", "oci-archive:next.tar", image("again")],
    options(project),
  );
  assertEquals(pushed.code, 0, pushed.stderr);
  const partial = await runProgram(
    ["bundle", "oci-archive:update.tar", "-o", "part.tar"],
    options(project),
  );
  assertEquals(partial.code, 1);
  assertStringIncludes(partial.stderr, "sha256:");
}

testWith(
  { needs: ["linux", "mise", "skopeo", "docker-registry"] },
  "bundle: a registry's image whole, and without what an image, or a bundle, has",
  async () => {
    await using registry = await startDockerRegistry();
    await using project = await createMiseProject({
      tools: ["typescript"],
      files: { "a/file": "a\n", "b/file": "b\n" },
    });
    const image = (tag: string): string => `${registry.host}/team/app:${tag}`;
    const push = (tag: string, ...flags: string[]): Promise<{ readonly digest: string }> =>
      runProgramJson(
        ["push", "--from", "scratch", "--no-mise", ...flags, image(tag)],
        options(project),
      );
    await push("old");
    const { digest } = await push("new", "--copy", "a:/srv/a");
    const bundle = (...args: string[]): Promise<Bundled> =>
      runProgramJson<Bundled>(["bundle", ...args], options(project));

    const whole = await bundle(image("new"), "-o", "whole.tar");
    assertEquals(whole.images, [{ name: image("new"), digest }]);
    assertEquals(whole.left.count, 0);
    const back = join(project.root, "back");
    const archive = join(project.directory, "whole.tar");
    await run(
      ["skopeo", "copy", "--quiet", "--insecure-policy", `oci-archive:${archive}`, `oci:${back}:x`],
    );
    await checkLayout(back);
    await readStream(project, image("new"));

    const update = await bundle(image("new"), "--without", image("old"), "-o", "update.tar");
    // The copy's layer; the tool and config.toml are in both.
    assertEquals([update.layers.count, update.left.count], [1, 2]);
    assertEquals(update.images, whole.images);
    const against = await bundle(image("new"), "--without", "whole.tar", "-o", "none.tar");
    assertEquals(against.layers, { count: 0, bytes: 0 });
    const { stdout } = await run(["tar", "-tf", join(project.directory, "update.tar")]);
    assertEquals(stdout.split("\n").filter((name) => /sha256\/\w/.test(name)).length, 3);

    // A registry that has the old image completes the update; one that lacks it is told what is missing.
    const deliver = (to: string): Promise<RunResult> =>
      runProgram(["push", "--image", "oci-archive:update.tar", to], options(project));
    const completed = await deliver(image("delivered"));
    assertEquals(completed.code, 0, completed.stderr);
    assertStringIncludes(completed.stdout, digest);
    await checkNextUpdate(project, image);
    await using other = await startDockerRegistry();
    const incomplete = await deliver(`${other.host}/team/app:new`);
    assertEquals(incomplete.code, 1);
    assertStringIncludes(incomplete.stderr, "neither has sha256:");
    const tag = await fetch(`${other.url}/v2/team/app/manifests/new`);
    await tag.body?.cancel();
    assertEquals(tag.status, 404);
    await tryMistakes(project, image("new"));
  },
);
