/**
 * The package as Deno fetches it from JSR. docs_test.ts runs the commands of README.md and
 * docs/permissions.md, with exactly the flags that they show.
 */
import { assertEquals, assertMatch } from "@std/assert";
import { startJsr } from "../support/jsr.ts";
import { makeTempDir, run, testWith } from "../support/testbed.ts";

testWith(
  { needs: ["linux"] },
  "the package from JSR helps without a permission, and names the flag that it lacks: -P finds no set",
  async () => {
    await using jsr = await startJsr();
    await using temp = await makeTempDir();
    const start = (...args: string[]) =>
      run([Deno.execPath(), "run", "--quiet", "--no-prompt", ...args], {
        cwd: temp.path,
        env: { HOME: temp.path, PATH: "/usr/bin:/bin", NO_COLOR: "1", ...jsr.env },
        allowFailure: true,
      });
    const help = await start("jsr:@mise/oci", "build", "--help");
    assertEquals([help.code, help.stderr], [0, ""]);
    assertMatch(help.stdout, /--mount-point/);
    for (const flags of [["--allow-read"], ["-P"]]) {
      const { code, stdout, stderr } = await start(...flags, "jsr:@mise/oci", "build");
      assertEquals([code, stdout], [1, ""], stderr);
      assertMatch(stderr, /^error: Deno does not permit \w+ access to ".*"$/m);
      assertMatch(
        stderr,
        /^hint: Run with --allow-\S+; the README has the flags of all commands$/m,
      );
    }
  },
);
