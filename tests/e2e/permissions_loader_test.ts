/** Starting programs under scoped permissions, whatever the user's environment holds. */
import { assertEquals } from "@std/assert";
import { runProgram } from "../support/cli.ts";
import { createMiseProject, testWith } from "../support/testbed.ts";

testWith(
  { needs: ["linux", "mise"] },
  "build starts mise although LD_LIBRARY_PATH is set",
  async () => {
    await using project = await createMiseProject({ tools: ["prettier"] });
    const result = await runProgram(["build", "--dry-run", "--from", "scratch"], {
      cwd: project.directory,
      env: { ...project.env, LD_LIBRARY_PATH: "/opt/lib", LD_PRELOAD: "" },
    });
    assertEquals(result.code, 0, result.stderr);
  },
);
