/** `[_.oci] max_layers`: an image of more tools than layers is still whole. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { runProgram } from "../support/cli.ts";
import { buildProject, tryBuild } from "../support/image_project.ts";
import { copyBase, createMiseProject, startPodman, testWith, TOOLS } from "../support/testbed.ts";

testWith(
  { needs: ["linux", "root", "mise", "base", "podman", "runc"] },
  "max_layers lets the smallest tools share a layer; they run, and check, inspect and sbom know them",
  async () => {
    await using project = await createMiseProject({
      tools: ["node", "prettier", "typescript", "eslint"],
      toml: '[oci]\ntag = "v"\n[_.oci]\nmax_layers = 4\n',
    });
    const base = join(project.root, "base");
    await copyBase(base);
    const args = ["--from", `oci:${base}`, "--no-mise", "--compression", "none"];
    const { layers, output } = await buildProject(project, args);
    // The base's one, the group, the largest tool, the config.
    assertEquals(layers.slice(1).map(({ kind, name }) => [kind, name]), [
      ["tool", TOOLS.node.key],
      ["tool", "3 tools"],
      ["config", "config"],
    ]);
    const again = await buildProject(project, args);
    assertEquals(again.layers.slice(1).map(({ status }) => status), ["cached", "cached", "cached"]);
    await using podman = await startPodman();
    const script = "prettier --version; tsc --version; eslint --version";
    const ran = await podman.runLayout(`${output}:v`, ["sh", "-c", script]);
    const { prettier, typescript, eslint } = TOOLS;
    assertEquals(
      ran.stdout,
      `${prettier.version}\nVersion ${typescript.version}\nv${eslint.version}\n`,
      ran.stderr,
    );
    const tell = async (...command: readonly string[]): Promise<string> => {
      const { env, directory: cwd } = project;
      const { code, stdout, stderr } = await runProgram([...command, output], { env, cwd });
      assertEquals(code, 0, stderr);
      return stdout;
    };
    assertMatch(await tell("check"), /all start/);
    assertStringIncludes(await tell("inspect"), "3 tools");
    const bill = await tell("sbom", "--format", "cyclonedx");
    for (const { key, version } of [prettier, typescript, eslint]) {
      assertStringIncludes(bill, `pkg:npm/${key.slice("npm:".length)}@${version}`);
    }
    await Deno.writeTextFile(
      join(project.directory, "mise.toml"),
      (await Deno.readTextFile(join(project.directory, "mise.toml"))).replace("= 4", "= 2"),
    );
    const { code, stderr } = await tryBuild(project, args);
    assertEquals(code, 1);
    assertStringIncludes(stderr, "Set max_layers of [_.oci] to 3 or more");
  },
);
