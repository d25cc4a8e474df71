/**
 * Several projects in one command.
 */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { runProgram, runProgramJson } from "../support/cli.ts";
import { createMiseProject, startDockerRegistry, testWith } from "../support/testbed.ts";

interface Projects {
  readonly projects: readonly {
    readonly directory: string;
    readonly reference?: string;
    readonly output?: string;
    readonly layers: readonly { readonly status: string }[];
  }[];
}

testWith(
  { needs: ["linux", "mise", "docker-registry"] },
  "several projects are built and pushed by one command, with the layers that they share once",
  async () => {
    await using registry = await startDockerRegistry();
    const file = '[tools]\n"npm:prettier" = "3.6.2"\n';
    await using project = await createMiseProject({
      tools: ["prettier"],
      files: { "api/mise.toml": file, "Web/mise.toml": file },
    });
    const options = {
      cwd: project.directory,
      env: { ...project.env, MISE_OCI_CACHE_DIR: join(project.root, "cache") },
    };
    const flags = ["-C", "api", "-C", "Web", "--from", "scratch", "--no-mise"];
    const built = await runProgramJson<Projects>(["build", ...flags], options);
    assertEquals(built.projects.map(({ directory }) => directory), ["api", "Web"]);
    assertEquals(
      built.projects.map(({ output }) => output),
      ["api", "Web"].map((name) => join(project.directory, name, "mise-oci")),
    );
    assertEquals(built.projects[1]?.layers[0]?.status, "cached");

    const to = `${registry.host}/team/{project}:1`;
    const pushed = await runProgramJson<Projects>(["push", ...flags, to], options);
    assertEquals(
      pushed.projects.map(({ reference }) => reference),
      ["api", "web"].map((name) => `${registry.host}/team/${name}:1`),
    );
    const text = await runProgram(["push", ...flags, to], options);
    assertStringIncludes(text.stdout, "api:\n");
    assertStringIncludes(text.stdout, "Web:\n");
    const same = await runProgram(["push", ...flags, `${registry.host}/team/app:1`], options);
    assertEquals([same.code, same.stderr.includes("{project}")], [2, true]);
  },
);

testWith(
  { needs: ["linux", "mise", "docker-registry"] },
  "several projects: none replaces another's image, and one that fails hides no result",
  async () => {
    await using registry = await startDockerRegistry();
    const file = "[oci]\n";
    await using project = await createMiseProject({
      files: {
        "a/my app/mise.toml": '[oci]\nfrom = "scratch"\n',
        "b/my-app/mise.toml": file,
        "bad/mise.toml": '[oci]\nfrom = "oci:none"\n',
      },
    });
    const options = { cwd: project.directory, env: project.env };
    const flags = ["--from", "scratch", "--no-mise"];
    const both = ["-C", "a/my app", "-C", "b/my-app", ...flags];
    const to = `${registry.host}/team/{project}:1`;
    for (
      const args of [
        ["push", ...both, to],
        ["build", ...both, "--output-archive", join(project.root, "both.tar")],
        ["build", ...both, "-o", join(project.root, "both"), "-t", "x:1"],
      ]
    ) {
      const { code, stderr } = await runProgram(args, options);
      assertEquals(
        [code, /^error: Cannot (?:push|write several)/m.test(stderr)],
        [2, true],
        stderr,
      );
    }
    const some = await runProgram(
      ["push", "-C", "a/my app", "-C", "bad", "--no-mise", to],
      options,
    );
    assertEquals(some.code, 1);
    assertStringIncludes(some.stdout, `to ${registry.host}/team/my-app:1`);
    assertStringIncludes(some.stderr, "error: bad: Cannot ");
  },
);

testWith(
  { needs: ["linux", "mise"] },
  "--all is every project below a directory that has an [oci] section of its own",
  async () => {
    await using project = await createMiseProject({
      files: {
        "services/api/mise.toml": '[oci]\nfrom = "scratch"\n',
        "services/big/web/.config/mise.toml": '[_.oci]\ncompression = "zstd"\n',
        "services/lib/mise.toml": '[env]\nA = "b"\n',
        "services/web/node_modules/x/mise.toml": "[oci]\n",
      },
    });
    const options = { cwd: project.directory, env: project.env };
    const flags = ["--from", "scratch", "--no-mise"];
    const built = await runProgramJson<Projects>(
      ["build", "-C", "services", "--all", ...flags],
      options,
    );
    const found = ["services/api", "services/big/web"];
    assertEquals(built.projects.map(({ directory }) => directory), found);
    const none = await runProgram(["build", "-C", "services/lib", "--all", ...flags], options);
    assertEquals([none.code, none.stdout], [1, ""]);
    assertStringIncludes(none.stderr, "no mise config there has an [oci] section");
    const one = await runProgramJson<{ readonly output: string }>(
      ["build", "-C", "services/api", "--all", ...flags],
      options,
    );
    assertEquals(one.output, join(project.directory, "services/api/mise-oci"));
  },
);
