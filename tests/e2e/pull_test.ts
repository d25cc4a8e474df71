/**
 * `--pull`: when the registry is asked about the base, and what happens without it.
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { runProgram } from "../support/cli.ts";
import { readImage } from "../support/layout.ts";
import {
  createMiseProject,
  type RunResult,
  startDockerRegistry,
  testWith,
} from "../support/testbed.ts";

testWith(
  { needs: ["linux", "mise", "docker-registry"] },
  "C14: --pull missing keeps a tag's base, always asks, never does without the registry",
  async () => {
    await using registry = await startDockerRegistry();
    await using project = await createMiseProject({ toml: "", files: { x: "1" } });
    const [base, output] = [`${registry.host}/team/base:1`, join(project.root, "image")];
    const call = (...args: readonly string[]): Promise<RunResult> =>
      runProgram(args, { cwd: project.directory, env: project.env });
    const build = (pull: string, ...more: readonly string[]): Promise<RunResult> =>
      call("build", "-o", output, "--no-mise", "--from", base, "--pull", pull, ...more);
    const baseOf = async (result: RunResult): Promise<string | undefined> => {
      assertEquals(result.code, 0, result.stderr);
      const { manifest } = await readImage(output);
      return manifest.annotations?.["org.opencontainers.image.base.digest"];
    };
    const publish = async (...more: readonly string[]): Promise<void> => {
      const pushed = await call("push", "--no-mise", "--from", "scratch", ...more, base);
      assertEquals(pushed.code, 0, pushed.stderr);
    };
    const refused = async (pull: string, says: string, ...more: string[]): Promise<void> => {
      const { code, stderr } = await build(pull, ...more);
      assertEquals(code, 1);
      assertStringIncludes(stderr, says);
      assertStringIncludes(stderr, base);
    };

    await publish();
    await refused("never", "it is not in the cache");
    const first = await baseOf(await build("missing"));
    assert(first !== undefined);
    await publish("--copy", "x:/srv/x");
    assertEquals(await baseOf(await build("missing")), first);
    assertEquals(await baseOf(await build("never")), first);
    const second = await baseOf(await build("always"));
    assert(second !== first);

    await registry.kill();
    assertEquals(await baseOf(await build("missing")), second);
    assertEquals(await baseOf(await build("never")), second);
    await refused("always", "connection refused");
  },
);

testWith(
  { needs: ["linux", "mise", "docker-registry"] },
  "C14: --pull never asks for no other platform of an index that is in the cache",
  async () => {
    await using registry = await startDockerRegistry();
    await using project = await createMiseProject({ toml: "" });
    const base = `${registry.host}/team/base:1`;
    const both = ["--platform", "linux/amd64,linux/arm64"];
    const options = { cwd: project.directory, env: project.env };
    const pushed = await runProgram(
      ["push", "--no-mise", "--from", "scratch", ...both, base],
      options,
    );
    assertEquals(pushed.code, 0, pushed.stderr);
    const build = (...args: readonly string[]): Promise<RunResult> =>
      runProgram(["build", "--no-mise", "--from", base, ...args], options);
    const one = await build("--platform", "linux/amd64");
    assertEquals(one.code, 0, one.stderr);
    const other = await build("--platform", "linux/arm64", "--pull", "never");
    assertEquals(other.code, 1);
    assertStringIncludes(other.stderr, "it is not in the cache");
  },
);
