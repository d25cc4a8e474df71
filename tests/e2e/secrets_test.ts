/** Secrets of a push: where they must not be. */
import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { programCommand } from "../support/cli.ts";
import { createMiseProject, run, startDockerRegistry, testWith } from "../support/testbed.ts";

const PASSWORD = "s3cret-sentinel-of-the-registry";

testWith(
  { needs: ["linux", "root", "mise", "docker-registry", "htpasswd", "strace"] },
  "A22: a push writes its password to no file and passes it to no program",
  async () => {
    await using registry = await startDockerRegistry({
      htpasswd: { user: "me", password: PASSWORD },
    });
    await using project = await createMiseProject({ tools: ["prettier"] });
    const auth = btoa(`me:${PASSWORD}`);
    const authFile = join(project.root, "auth.json");
    await Deno.writeTextFile(authFile, JSON.stringify({ auths: { [registry.host]: { auth } } }));
    const trace = join(project.root, "trace");
    const args = ["push", "-vv", "--from", "scratch", "--no-mise", `${registry.host}/team/dev:1`];
    const result = await run(
      [
        "strace",
        "-f",
        "-v",
        "-s",
        "100000",
        "-e",
        "trace=execve",
        "-o",
        trace,
        ...programCommand(args),
      ],
      {
        cwd: project.directory,
        env: { ...project.env, REGISTRY_AUTH_FILE: authFile, TMPDIR: project.root },
      },
    );
    const secrets = [PASSWORD, auth];
    const started = await Deno.readTextFile(trace);
    assert(started.includes("execve("), "strace saw no program start");
    for (const secret of secrets) {
      assert(!started.includes(secret), "a program got the password");
      assert(!`${result.stdout}${result.stderr}`.includes(secret), "the output has the password");
    }
    await Deno.remove(trace);
    const found = await run(
      ["grep", "-rlF", ...secrets.flatMap((secret) => ["-e", secret]), project.root],
      { allowFailure: true },
    );
    assertEquals(found.stdout.trim().split("\n"), [authFile]);
  },
);
