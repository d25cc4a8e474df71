/**
 * `mise-oci pin` and `outdated` as users run them.
 */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { runProgram, runProgramJson } from "../support/cli.ts";
import { deriveBase } from "../support/derived_base.ts";
import {
  createMiseProject,
  pushBase,
  type RunResult,
  startDockerRegistry,
  testWith,
} from "../support/testbed.ts";

testWith(
  { needs: ["linux", "root", "mise", "base", "skopeo", "docker-registry"] },
  "pin: writes the base's digest and package versions, once",
  async () => {
    await using registry = await startDockerRegistry();
    const from = await pushBase(registry.host, { name: "debian:12" });
    await using project = await createMiseProject({ tools: ["prettier"] });
    const file = join(project.directory, "mise.toml");
    const toml = (base: string, hello: string): string =>
      `# ours\n[tools]\n"npm:prettier" = "3.6.2" # newest\n\n[oci]\n` +
      `tag   = "app" # name\nfrom  = '${base}'   # keep\n\n[bootstrap.packages]\n` +
      `"apt:hello" = "${hello}" # greets\n`;
    await Deno.writeTextFile(file, toml(from, "latest"));
    await project.runMise("trust", "--all");
    const env = { ...project.env, MISE_OCI_CACHE_DIR: join(project.root, "cache") };
    const run = (...args: string[]): Promise<RunResult> =>
      runProgram(args, { cwd: project.directory, env });
    const json = (...args: string[]): Promise<{ changes: { key: string; to: string }[] }> =>
      runProgramJson(args, { cwd: project.directory, env });

    const planned = await json("pin", "--dry-run");
    assertEquals(await Deno.readTextFile(file), toml(from, "latest"), "--dry-run writes nothing");
    const [base = "", hello = ""] = planned.changes.map(({ to }) => to);
    assertMatch(base, new RegExp(`^${from}@sha256:[0-9a-f]{64}$`));
    assertMatch(hello, /^\d[\w.+~:-]*$/);
    const pinned = await run("pin");
    assertEquals(pinned.code, 0, pinned.stderr);
    assertEquals(await Deno.readTextFile(file), toml(base, hello));
    assertEquals((await run("pin")).stdout, "nothing to pin\n");
    assertEquals(await Deno.readTextFile(file), toml(base, hello));
  },
);

testWith(
  { needs: ["linux", "root", "mise", "base", "skopeo", "docker-registry"] },
  "outdated: finds that the tag of a pinned base moved, for the project and for its image",
  async () => {
    await using registry = await startDockerRegistry();
    const from = await pushBase(registry.host, { name: "debian:12" });
    await using project = await createMiseProject({ tools: ["prettier"] });
    const toml = `[tools]\n"npm:prettier" = "3.6.2"\n[oci]\nfrom = "${from}"\n`;
    await Deno.writeTextFile(join(project.directory, "mise.toml"), toml);
    await project.runMise("trust", "--all");
    const env = { ...project.env, MISE_OCI_CACHE_DIR: join(project.root, "cache") };
    const run = (...args: string[]): Promise<RunResult> =>
      runProgram(args, { cwd: project.directory, env });
    const json = (...args: string[]): Promise<{ changes: { key: string; to: string }[] }> =>
      runProgramJson(args, { cwd: project.directory, env });
    await json("pin");
    const image = `${registry.host}/team/app:1`;
    const pushed = await run("push", image);
    assertEquals(pushed.code, 0, pushed.stderr);
    const fresh = await run("outdated", image);
    assertEquals([fresh.code, fresh.stdout], [0, "nothing is outdated\n"], fresh.stderr);
    const moved = await deriveBase(from, "12", { config: { Labels: { moved: "yes" } } });
    assertEquals(moved, from);
    for (const args of [["outdated"], ["outdated", image]]) {
      const behind = await run(...args);
      assertEquals(behind.code, 1, behind.stderr);
      assertStringIncludes(behind.stdout, `base  ${from}  sha256:`);
    }
    assertEquals((await json("pin")).changes, []);
    const updated = await json("pin", "--update");
    assertEquals(updated.changes.map(({ key }) => key), ["oci.from"]);
    assertEquals((await run("outdated")).code, 0);
    const behind = await run("outdated", image);
    assertEquals(behind.code, 1, "the image is still on the old base");
  },
);

testWith(
  { needs: ["linux", "mise"] },
  "pin: says what it cannot pin",
  async () => {
    await using project = await createMiseProject({ tools: [], toml: "[tools]\n" });
    const run = (): Promise<RunResult> =>
      runProgram(["pin"], { cwd: project.directory, env: project.env });
    const none = await run();
    assertEquals(none.code, 1);
    assertStringIncludes(none.stderr, "no config file has from in [oci]");
    await Deno.writeTextFile(join(project.directory, "mise.toml"), '[oci]\nfrom = "scratch"\n');
    await project.runMise("trust", "--all");
    assertEquals((await run()).stdout, "nothing to pin\n");
  },
);
