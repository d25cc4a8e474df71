/**
 * The package as Deno fetches it from JSR. docs_test.ts runs the commands of README.md and
 * docs/permissions.md, with exactly the flags that they show.
 */
import { assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path";
import { startJsr } from "../support/jsr.ts";
import { createMiseProject, makeTempDir, run, testWith } from "../support/testbed.ts";

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

testWith(
  { needs: ["linux", "mise"] },
  "once the package is cached, every command runs without JSR and npm",
  async () => {
    await using project = await createMiseProject({ toml: '[env]\nX = "1"\n' });
    const layout = join(project.root, "image");
    const allowed = ["read", "write", "net", "env", "sys", "run"].map((name) => `--allow-${name}`);
    let env: Readonly<Record<string, string>>;
    {
      await using jsr = await startJsr();
      env = { ...project.env, ...jsr.env, NO_COLOR: "1" };
      const { DENO_DIR = "" } = jsr.env;
      await run([Deno.execPath(), "cache", "--quiet", "jsr:@mise/oci"], { env, cwd: project.root });
      // The registry's own directory goes with it.
      const kept = join(project.root, "deno");
      await run(["cp", "-a", DENO_DIR, kept]);
      env = { ...env, DENO_DIR: kept };
    }
    const offline = ["run", "--quiet", "--no-prompt", "--cached-only", ...allowed, "jsr:@mise/oci"];
    const commands = [
      ["build", "--from", "scratch", "--no-mise", "-o", layout, "--compression", "zstd"],
      ["build", "--dry-run", "--json"],
      ["inspect", layout],
      ["check", layout],
      ["diff", layout, layout],
      ["cache", "ls"],
      ["cache", "prune"],
      ["completion", "bash"],
      ["push", "--help"],
      ["run", "--help"],
    ];
    for (const command of commands) {
      const { code, stderr } = await run([Deno.execPath(), ...offline, ...command], {
        env,
        cwd: project.directory,
        allowFailure: true,
      });
      assertEquals([command, code], [command, 0], stderr);
    }
  },
);
