/**
 * What `run` and `load` refuse before anything starts, and engines that die.
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { programCommand, runProgram } from "../support/cli.ts";
import { makeSmallImage } from "../support/containers.ts";
import { makeFakeProgram } from "../support/fake_engine.ts";
import { exists, makeTempDir, run, testWith } from "../support/testbed.ts";

interface Setting extends AsyncDisposable {
  readonly root: string;
  readonly layout: string;
  readonly env: Readonly<Record<string, string>>;
}

/** An image, and an environment whose PATH has no engine. */
async function makeSetting(): Promise<Setting> {
  const temp = await makeTempDir();
  const layout = join(temp.path, "image");
  await makeSmallImage(layout);
  const home = Deno.env.get("HOME") ?? "/root";
  const env = {
    PATH: join(temp.path, "bin"),
    HOME: temp.path,
    MISE_OCI_CACHE_DIR: join(temp.path, "cache"),
    DENO_DIR: Deno.env.get("DENO_DIR") ??
      join(Deno.env.get("XDG_CACHE_HOME") ?? join(home, ".cache"), "deno"),
  };
  return {
    root: temp.path,
    layout,
    env,
    [Symbol.asyncDispose]: () => temp[Symbol.asyncDispose](),
  };
}

testWith(
  { needs: ["linux"] },
  "run without an engine: one line names both, and how to install them",
  async () => {
    await using setting = await makeSetting();
    for (
      const command of [["run", "--image-dir", setting.layout, "--", "sh"], [
        "load",
        "--image-dir",
        setting.layout,
      ]]
    ) {
      const result = await runProgram(command, { cwd: "/", env: setting.env });
      assertEquals([result.code, result.stdout], [1, ""]);
      const [message, hint, ...others] = result.stderr.trim().split("\n");
      assertStringIncludes(message ?? "", "neither podman nor docker is on PATH");
      assert(/podman\.io.*docs\.docker\.com/.test(hint ?? ""), hint);
      assertEquals(others, []);
    }
  },
);

testWith(
  { needs: ["linux"] },
  "run --image-dir of something else is refused before an engine is looked for",
  async () => {
    await using setting = await makeSetting();
    for (
      const directory of [
        setting.root,
        join(setting.root, "nothing"),
        join(setting.layout, "index.json"),
      ]
    ) {
      const result = await runProgram(["run", "--image-dir", directory, "--", "sh"], {
        cwd: "/",
        env: setting.env,
      });
      assertEquals([result.code, result.stdout], [1, ""]);
      assertStringIncludes(result.stderr, directory);
      assert(!result.stderr.includes("engine"), result.stderr);
    }
    assertEquals(await exists(setting.env["MISE_OCI_CACHE_DIR"] ?? ""), false);
  },
);

testWith(
  { needs: ["linux"] },
  "run without a command of an image without one names [oci] cmd before anything is loaded",
  async () => {
    await using setting = await makeSetting();
    const layout = join(setting.root, "bare");
    await makeSmallImage(layout, { cmd: [] });
    await using fake = await makeFakeProgram("docker", "exit 1");
    const env = { ...setting.env, PATH: `${fake.directory}:/usr/bin:/bin` };
    const [deno, verb = "", ...args] = programCommand(
      ["run", "--engine", "docker", "--image-dir", layout],
    );
    const command: [string, ...string[]] = [deno, verb, `--allow-run=${fake.path}`, ...args];
    const result = await run(command, { cwd: "/", env, allowFailure: true });
    assertEquals([result.code, result.stdout], [2, ""]);
    assertStringIncludes(result.stderr, 'set cmd in [oci], such as cmd = ["bash"]');
    assertEquals(await fake.calls(), []);
  },
);

testWith({ needs: ["linux"] }, "run --json is refused: stdout is the container's", async () => {
  await using setting = await makeSetting();
  const result = await runProgram(["run", "--json", "--image-dir", setting.layout, "--", "sh"], {
    cwd: "/",
    env: setting.env,
  });
  assertEquals([result.code, result.stdout], [2, ""]);
  assertStringIncludes(result.stderr, "--json");
});

testWith(
  { needs: ["linux"] },
  "C11: an engine that dies while it is loaded: both causes are shown, nothing runs",
  async () => {
    await using setting = await makeSetting();
    await using fake = await makeFakeProgram(
      "docker",
      'case $1 in pull) echo "registry unreachable" >&2; exit 1;; ' +
        'load) head -c 5000 >/dev/null; echo "daemon: no space left on device" >&2; kill -9 $$;; ' +
        "image) exit 1;; run) echo ran;; esac",
    );
    const env = { ...setting.env, PATH: `${fake.directory}:${setting.env["PATH"]}:/usr/bin:/bin` };
    const [deno, verb, ...args] = programCommand(
      ["run", "--engine", "docker", "--image-dir", setting.layout, "--", "sh"],
    );
    // The permission set names engines at their usual places only.
    const command: [string, ...string[]] = [deno, verb ?? "", `--allow-run=${fake.path}`, ...args];
    const result = await run(command, { cwd: "/", env, allowFailure: true });
    assertEquals([result.code, result.stdout], [1, ""]);
    assertStringIncludes(result.stderr, "registry unreachable");
    assertStringIncludes(result.stderr, "no space left on device");
    assert((await fake.calls()).every(([name]) => name !== "run"));
  },
);
