/** What the start of the program needs: nothing that must be fetched, and so nothing that is slow to load. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { makeTempDir, run } from "./support/testbed/command.ts";
import { REPOSITORY } from "./support/testbed/paths.ts";

const OFFLINE = ["--quiet", "--frozen", "--no-npm", "--no-remote", "--no-check"] as const;

/** Runs the program with an empty cache of Deno's and no way to fill it; its stdout. */
async function startOffline(args: readonly string[]): Promise<string> {
  await using temp = await makeTempDir();
  const config = ["-P", "--config", join(REPOSITORY, "deno.json")];
  const command = [...OFFLINE, ...config, join(REPOSITORY, "main.ts"), ...args];
  const { stdout } = await run([Deno.execPath(), "run", ...command], {
    cwd: temp.path,
    env: { PATH: "/usr/bin:/bin", HOME: temp.path, DENO_DIR: join(temp.path, "deno") },
  });
  return stdout;
}

Deno.test("--version, --help and completion work where no package was ever fetched", async () => {
  assertEquals((await startOffline(["--version"])).startsWith("mise-oci "), true);
  assertStringIncludes(await startOffline(["build", "--help"]), "--mount-point");
  assertStringIncludes(await startOffline(["completion", "bash"]), "complete");
});
