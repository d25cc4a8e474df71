/** `--install`: mise installs what is missing, for real, and says so on stderr. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { runProgram } from "../support/cli.ts";
import { createMiseProject, testWith } from "../support/testbed.ts";

testWith(
  { needs: ["linux", "mise"] },
  "build --install installs missing tools first and shows what mise says",
  async () => {
    await using project = await createMiseProject({ toml: '[tools]\n"npm:is-number" = "7.0.0"\n' });
    const result = await runProgram(
      ["build", "--install", "--yes", "--from", "scratch", "-o", join(project.root, "image")],
      {
        cwd: project.directory,
        env: { ...project.env, MISE_DATA_DIR: join(project.root, "data") },
      },
    );
    assertEquals(result.code, 0, result.stderr);
    assertStringIncludes(result.stdout, "npm:is-number");
    assertStringIncludes(result.stderr, "mise");
  },
);
