/**
 * `mise-oci run` with a real docker daemon.
 */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { runProgramJson } from "../support/cli.ts";
import { makeSmallImage, startEngine, startProgram } from "../support/containers.ts";
import { testRun } from "../support/run_scenarios.ts";
import { createMiseProject, testWith, type ToolName, toolsToml } from "../support/testbed.ts";

testRun("docker", ["docker", "dockerd"]);

interface Built {
  readonly layers: readonly { readonly name: string; readonly size: number }[];
}

testWith(
  { needs: ["linux", "root", "mise", "docker", "dockerd"] },
  "run with docker: a second run sends no layer, a bumped tool only its own, and no image stays",
  async () => {
    await using engine = await startEngine("docker");
    await using project = await createMiseProject({
      tools: ["typescript", "oldPrettier", "eslint"],
    });
    const base = join(project.root, "base");
    await makeSmallImage(base);
    const options = { cwd: project.directory, env: { ...engine.env, ...project.env } };
    const build = ["--from", `oci:${base}`, "--no-mise"];
    const fetched = async (): Promise<string> => {
      const command = engine.runCommand([
        ...["-v", "--engine-arg=--network=none", ...build],
        ...["--", "ls", "/mise/installs"],
      ]);
      const { code, stderr, text } = await startProgram(command, options).end;
      assertEquals([code, text], [0, "npm-eslint\nnpm-prettier\nnpm-typescript\n"], stderr);
      await engine.assertEmpty();
      return /docker fetched (.*)/.exec(stderr)?.[1] ?? stderr;
    };
    assertStringIncludes(await fetched(), "5 layers");
    assertEquals(await fetched(), "0 layers, 0 bytes");

    const bumped: readonly ToolName[] = ["typescript", "prettier", "eslint"];
    await Deno.writeTextFile(join(project.directory, "mise.toml"), toolsToml(bumped));
    await project.runMise("trust", "--quiet");
    const args = ["build", ...build, "-o", join(project.root, "image")];
    const { layers } = await runProgramJson<Built>(args, options);
    // The list of tools changes with the tool; it lies on top and is a few hundred bytes.
    const changed = layers.filter(({ name }) => name === "npm:prettier" || name === "config");
    const bytes = changed.reduce((sum, { size }) => sum + size, 0);
    assertEquals(await fetched(), `2 layers, ${bytes} bytes`);
    assertEquals(await fetched(), "0 layers, 0 bytes");
  },
);
