/**
 * The executable as users get it: in an empty directory, without Deno, in an environment of nothing but
 * HOME and PATH.
 */
import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { dirname, join } from "@std/path";
import type { Command } from "../../src/commands/command.ts";
import { COMMANDS } from "../../src/commands/mod.ts";
import { compiledProgram, runCompile, whyNoExecutable } from "../support/executable.ts";
import { checkLayout, readImage } from "../support/layout.ts";
import {
  copyBase,
  createMiseProject,
  makeTempDir,
  type MiseProject,
  OCI_ARCH,
  type Part,
  run,
  type RunOptions,
  type RunResult,
  startDockerRegistry,
  startPodman,
  testUnless,
} from "../support/testbed.ts";

function compiledTest(
  name: string,
  needs: readonly Part[],
  fn: (program: string) => Promise<void>,
): void {
  testUnless(whyNoExecutable(), { needs, name }, async () => fn(await compiledProgram()));
}

const SYSTEM_PATH = "/usr/sbin:/usr/bin:/sbin:/bin";

function start(
  program: string,
  args: readonly string[],
  options: Omit<RunOptions, "allowFailure">,
): Promise<RunResult> {
  return run([program, ...args], { ...options, allowFailure: true });
}

/** A command line for each command, with something for every argument that it needs. */
function commandLines(commands: readonly Command[]): readonly (readonly string[])[] {
  return commands.flatMap(({ name, positionals, subcommands = [] }) => {
    if (subcommands.length > 0) return commandLines(subcommands).map((line) => [name, ...line]);
    const needed = positionals.filter(({ optional }) => optional !== true);
    return [[name, ...needed.map(({ choices }) => choices?.[0] ?? "127.0.0.1:1/x:y")]];
  });
}

/** A home in which mise finds the project's tools without any variable. */
async function makeHome(project: MiseProject): Promise<Record<string, string>> {
  const home = join(project.root, "plain-home");
  const state = join(project.root, "mise/state");
  const config = join(project.root, "mise/config");
  for (
    const [target, link] of [
      [project.data, ".local/share/mise"],
      [state, ".local/state/mise"],
      [config, ".config/mise"],
    ] as const
  ) {
    await Deno.mkdir(dirname(join(home, link)), { recursive: true });
    await Deno.symlink(target, join(home, link));
  }
  return { HOME: home, PATH: `${dirname(project.mise)}:${SYSTEM_PATH}` };
}

compiledTest(
  "the executable says its version and helps, alone in an empty directory",
  [],
  async (program) => {
    await using temp = await makeTempDir();
    const options = { cwd: temp.path, env: { HOME: temp.path, PATH: SYSTEM_PATH } };
    const manifest = JSON.parse(
      await Deno.readTextFile(new URL("../../deno.json", import.meta.url)),
    );
    const version = await start(program, ["--version"], options);
    assertEquals(version, { code: 0, stdout: `mise-oci ${manifest.version}\n`, stderr: "" });
    const help = await start(program, ["build", "--help"], options);
    assertEquals([help.code, help.stderr], [0, ""]);
    assertStringIncludes(help.stdout, "--mount-point");
    const nothing = await start(program, ["build"], options);
    assertEquals([nothing.code, nothing.stdout], [1, ""]);
    assertMatch(nothing.stderr, /^error: Cannot find mise: no such program on PATH\nhint: .*\n$/);
    assertEquals([...Deno.readDirSync(temp.path)].map(({ name }) => name), []);
  },
);

compiledTest("the executable loads the module of every command", [], async (program) => {
  await using temp = await makeTempDir();
  const options = { cwd: temp.path, env: { HOME: temp.path, PATH: SYSTEM_PATH } };
  for (const command of commandLines(COMMANDS)) {
    const result = await start(program, command, options);
    assertEquals(/bug|Module not found|Stack/.test(result.stderr), false, result.stderr);
    // doctor has found something: that is its result, not an error.
    const isExplained = command[0] === "doctor" || result.stderr.startsWith("error: ");
    assert(result.code === 0 || isExplained, `${command.join(" ")}: ${result.stderr}`);
  }
});

compiledTest(
  "the executable builds, pushes and runs an image of a real project",
  ["linux", "root", "mise", "base", "podman", "runc", "skopeo", "docker-registry"],
  async (program) => {
    await using project = await createMiseProject({ tools: ["node", "prettier"] });
    await using podman = await startPodman();
    await using registry = await startDockerRegistry();
    const env = await makeHome(project);
    const base = join(project.root, "base");
    await copyBase(base);
    const options = { cwd: project.directory, env };

    const built = await start(program, ["build", "--from", `oci:${base}`, "--json"], options);
    assertEquals([built.code, built.stderr.includes("error")], [0, false], built.stderr);
    await checkLayout(join(project.directory, "mise-oci"));
    const { entry } = await readImage(join(project.directory, "mise-oci"));
    assertEquals(JSON.parse(built.stdout).digest, entry.digest);

    const reference = `${registry.host}/team/app:v1`;
    const pushed = await start(program, ["push", "--image-dir", "mise-oci", reference], options);
    assertEquals(pushed.code, 0, pushed.stderr);
    assertStringIncludes(pushed.stdout, `pushed ${entry.digest} to ${reference}`);
    const raw = await run(["skopeo", "inspect", "--tls-verify=false", `docker://${reference}`]);
    assertEquals(JSON.parse(raw.stdout).Digest, entry.digest);

    const ran = await start(
      program,
      ["run", "--image-dir", "mise-oci", "--engine", "podman", "--", "prettier", "--version"],
      { ...options, env: { ...podman.env, ...env } },
    );
    assertEquals([ran.code, ran.stdout], [0, "3.6.2\n"], ran.stderr);
  },
);

compiledTest(
  "the executable embeds itself, and works in the container",
  ["linux", "root", "mise", "base", "podman", "runc"],
  async (program) => {
    await using project = await createMiseProject({ tools: ["prettier"] });
    await using podman = await startPodman();
    const base = join(project.root, "base");
    await copyBase(base);
    const output = join(podman.root, "image");
    const flags = ["--embed-self", "--from", `oci:${base}`, "-o", output];
    const options = { cwd: project.directory, env: await makeHome(project) };
    const built = await start(program, ["build", ...flags], options);
    assertEquals(built.code, 0, built.stderr);

    const version = await podman.runLayout(output, ["mise-oci", "--version"]);
    assertEquals([version.code, version.stderr], [0, ""]);
    assertMatch(version.stdout, /^mise-oci \d+\.\d+\.\d+\n$/);
    // The mise in the image answers the mise-oci in the image.
    const script = "cd /tmp && printf '[tools]\\n' > mise.toml && mise trust -q && " +
      "mise-oci build --from scratch -o img && mise-oci inspect img -q";
    const inside = await podman.runLayout(output, ["sh", "-c", script]);
    assertEquals(inside.code, 0, inside.stderr);
    assertMatch(inside.stdout, /sha256:[0-9a-f]{64}\n$/);
  },
);

compiledTest(
  "the same sources give the same executable, with its checksum beside it",
  [],
  async () => {
    await using temp = await makeTempDir();
    const said = await runCompile(["--check", "--output", temp.path]);
    const name = `mise-oci-linux-${OCI_ARCH}`;
    assertStringIncludes(said, `${name}: the same bytes when compiled again`);
    const checked = await run(["sha256sum", "--check", "SHA256SUMS"], { cwd: temp.path });
    assertEquals(checked.stdout, `${name}: OK\n`);
    assertEquals([...Deno.readDirSync(temp.path)].map(({ name }) => name).sort(), [
      "SHA256SUMS",
      name,
    ]);
  },
);

compiledTest("a runtime of another platform than the target's is refused", [], async () => {
  await using temp = await makeTempDir();
  const other = OCI_ARCH === "amd64" ? "arm64" : "amd64";
  await assertRejects(
    () => runCompile(["--target", `linux-${other}`, "--output", temp.path]),
    Error,
    `DENORT_BIN is no runtime for linux-${other}`,
  );
  assertEquals([...Deno.readDirSync(temp.path)], []);
});
