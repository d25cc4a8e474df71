/**
 * What `mise-oci build` says when something is wrong: one clear line with the object, the cause and the
 * next step, the documented exit code, and nothing written.
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { runProgram } from "../support/cli.ts";
import {
  buildBase,
  createMiseProject,
  type MiseProject,
  type MiseProjectOptions,
  run,
  startDockerRegistry,
  testWith,
} from "../support/testbed.ts";

interface ErrorCase {
  readonly name: string;
  readonly project?: MiseProjectOptions;
  /** Arguments after `build -o OUTPUT`. */
  readonly args?: (project: MiseProject) => readonly string[];
  readonly env?: (project: MiseProject) => Record<string, string>;
  readonly prepare?: (project: MiseProject, output: string) => Promise<void>;
  readonly code: 1 | 2;
  /** What the error line and its hint must contain. */
  readonly says: readonly string[];
}

const scratch = (): readonly string[] => ["--from", "scratch"];

function hasProgram(directory: string, name: string): boolean {
  try {
    return Deno.statSync(join(directory, name)).isFile;
  } catch {
    return false;
  }
}

/** PATH without any directory that has a mise: neither the testbed's nor one that is installed here. */
const withoutMise = (project: MiseProject): Record<string, string> => ({
  ...project.env,
  PATH: (project.env["PATH"] ?? "").split(":").filter((dir) => !hasProgram(dir, "mise")).join(":"),
});

const CASES: readonly ErrorCase[] = [
  {
    name: "no mise on PATH",
    env: withoutMise,
    code: 1,
    says: ["mise", "PATH", "--mise"],
  },
  {
    name: "an untrusted config",
    project: { trust: false, toml: "[env]\nA = \"{{ exec(command='true') }}\"\n" },
    code: 1,
    says: ["mise.toml", "trust"],
  },
  {
    name: "tools that are not installed",
    project: { toml: '[tools]\n"npm:left-pad" = "1.3.0"\n"npm:right-pad" = "1.0.1"\n' },
    code: 1,
    says: ["npm:left-pad@1.3.0", "npm:right-pad@1.0.1", "mise install"],
  },
  {
    name: "an unknown [oci] key",
    project: { toml: '[oci]\nentrypont = ["sh"]\n' },
    code: 1,
    says: ["mise.toml", "entrypont", "entrypoint"],
  },
  {
    name: "an [oci] key of the wrong type",
    project: { toml: "[oci]\ncmd = 5\n" },
    code: 1,
    says: ["mise.toml", "cmd"],
  },
  ...["oci:none", "oci-archive:none.tar"].map((from): ErrorCase => ({
    name: `a dry run with the base ${from}`,
    args: () => ["--dry-run", "--from", from],
    code: 1,
    says: [from.slice(from.indexOf(":") + 1), "no such"],
  })),
  {
    name: "a registry that nobody listens at",
    args: () => ["--from", "127.0.0.1:1/debian:12"],
    code: 1,
    says: ["127.0.0.1:1"],
  },
  {
    name: "an output that is a file",
    prepare: (_project, output) => Deno.writeTextFile(output, "mine"),
    code: 1,
    says: ["is a file", "-o"],
  },
  {
    name: "an output with somebody else's files",
    prepare: async (_project, output) => {
      await Deno.mkdir(output);
      await Deno.writeTextFile(join(output, "thesis.txt"), "mine");
    },
    code: 1,
    says: ["thesis.txt", "-o"],
  },
  {
    name: "a flag that is not there",
    args: () => ["--fron", "scratch"],
    code: 2,
    says: ["--fron", "--from"],
  },
  {
    name: "a base that is no reference",
    args: () => ["--from", "De bian"],
    code: 2,
    says: ["De bian"],
  },
  {
    name: "a mount point that is relative",
    args: () => [...scratch(), "--mount-point", "x"],
    code: 2,
    says: ["absolute"],
  },
  {
    name: "a malformed SOURCE_DATE_EPOCH",
    env: (project) => ({ ...project.env, SOURCE_DATE_EPOCH: "yesterday" }),
    code: 2,
    says: ["SOURCE_DATE_EPOCH", "yesterday"],
  },
  {
    name: "a layout as base that is none",
    args: (project) => ["--from", `oci:${project.directory}`],
    code: 1,
    says: ["image layout", "oci-layout"],
  },
  {
    name: "a variable that mise marks as secret",
    project: { toml: '[env]\nMINE = { value = "s3cret-sentinel", redact = true }\n' },
    code: 1,
    says: ["MINE", "mise.toml", "--drop-env", "--allow-env"],
  },
];

async function listing(directory: string): Promise<string> {
  return (await run(["find", directory, "-ls"])).stdout;
}

for (const { name, project: options, args = scratch, env, prepare, code, says } of CASES) {
  testWith({ needs: ["linux", "mise"] }, `build names ${name}`, async () => {
    await using project = await createMiseProject(options);
    const output = join(project.root, "image");
    await prepare?.(project, output);
    const before = await listing(project.directory);
    const outputBefore = await Deno.stat(output).catch(() => undefined);
    const result = await runProgram(["build", "-o", output, ...args(project)], {
      cwd: project.directory,
      env: env?.(project) ?? project.env,
    });
    assertEquals(result.code, code, result.stderr);
    assertEquals(result.stdout, "");
    const lines = result.stderr.trim().split("\n");
    assert(lines.some((line) => line.startsWith("error: ")), result.stderr);
    for (const text of says) assertStringIncludes(result.stderr, text);
    assert(!/^\s+at /m.test(result.stderr), `a stack trace: ${result.stderr}`);
    assert(!result.stderr.includes("sentinel"), "a secret's value");
    assertEquals(await listing(project.directory), before);
    if (outputBefore === undefined) {
      assertEquals(await Deno.stat(output).catch(() => "absent"), "absent");
    }
  });
}

testWith(
  { needs: ["linux", "root", "mise", "base", "docker-registry"] },
  "R10: build names a manifest of another digest than the reference's",
  async () => {
    await using registry = await startDockerRegistry();
    await using project = await createMiseProject();
    const absent = `${registry.host}/debian@sha256:${"0".repeat(64)}`;
    assert((await buildBase()).length > 0);
    const output = join(project.root, "image");
    const result = await runProgram(["build", "-o", output, "--from", absent], {
      cwd: project.directory,
      env: project.env,
    });
    assertEquals(result.code, 1);
    assertStringIncludes(result.stderr, absent.slice(0, 40));
    assertEquals(await Deno.stat(output).catch(() => "absent"), "absent");
  },
);
