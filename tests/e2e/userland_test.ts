/**
 * mise, login shells and users in the container: whoever runs it finds the image's tools, without a
 * network and without a question (spec section 13, "Non-root and read-only").
 */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { dirname, join } from "@std/path";
import { runProgram } from "../support/cli.ts";
import { serveStaticTool } from "../support/static_tool.ts";
import {
  copyBase,
  createMiseProject,
  type MiseProject,
  type Podman,
  run,
  startPodman,
  testWith,
  TOOLS,
} from "../support/testbed.ts";

/** More tools than those of the testbed: of a number that is not whole, and of backends with versions of their own. */
const TOML = `
"pipx:demo" = "1"
fmt = "${TOOLS.prettier.version}"

[tool_alias]
fmt = "npm:prettier"

[env]
GREETING = "it's"

[tasks.format]
run = "prettier --version"
`;

/** Makes shims of tools of every backend, and starts them; what they print. */
const SHIMS = "mise reshim && cd ~/.local/share/mise/shims && " +
  "./prettier --version && ./demo && ./busybox echo x";
const SHIMMED = `${TOOLS.prettier.version}\ndemo\nx\n`;

/**
 * Installs the tool that an alias names, as mise does: in a directory of the alias' own name. The project
 * asks for a range, which mise can resolve only if it knows whose the versions are.
 */
async function installAlias(project: MiseProject): Promise<void> {
  const config = join(project.directory, "mise.toml");
  const { version } = TOOLS.prettier;
  const text = await Deno.readTextFile(config);
  await Deno.writeTextFile(
    config,
    text.replace(
      `"npm:prettier" = "${version}"`,
      `"npm:prettier" = "${/^\d+/.exec(version)?.[0]}"`,
    ),
  );
  const target = join(project.data, "installs/fmt", TOOLS.prettier.version);
  await Deno.mkdir(dirname(target), { recursive: true });
  await run(["cp", "-a", "--reflink=auto", project.installPath("prettier"), target]);
  const demo = join(project.data, "installs/pipx-demo/1.2.3/bin/demo");
  await Deno.mkdir(dirname(demo), { recursive: true });
  await Deno.writeTextFile(demo, "#!/bin/sh\necho demo\n", { mode: 0o755 });
  for (
    const [directory, short, full, explicit] of [
      ["pipx-demo", "pipx:demo", "pipx:demo", true],
      ["fmt", "fmt", "npm:prettier", false],
      ["npm-prettier", "npm:prettier", "npm:prettier", true],
    ]
  ) {
    await Deno.writeTextFile(
      join(project.data, `installs/${directory}/.mise.backend.toml`),
      `short = "${short}"\nfull = "${full}"\nexplicit_backend = ${explicit}\n`,
    );
  }
}

/** Starts a command in the image with flags of podman, and gives what it prints. */
type Start = (flags: readonly string[], ...command: readonly string[]) => Promise<string>;

const { version } = TOOLS.prettier;

/** mise lists, finds and starts the tools, as root and as a user with a home. */
async function knowsTools(start: Start, mounted: readonly string[]): Promise<void> {
  for (const flags of [[], ["--user", "1000", "--env", "HOME=/tmp/home"]]) {
    const all = [...mounted, ...flags];
    const list = await start(all, "mise", "ls");
    assertMatch(list, new RegExp(`^fmt +${version} \\(shared\\)`, "m"));
    assertMatch(list, new RegExp(`^npm:prettier +${version} \\(shared\\)`, "m"));
    assertMatch(list, /^pipx:demo +1\.2\.3 \(shared\)/m);
    assertMatch(list, /^github:test\/busybox +\S+ \(shared\)/m);
    assertEquals(await start(all, "mise", "x", "--", "prettier", "--version"), `${version}\n`);
    assertEquals(await start(all, "mise", "x", "--", "demo"), "demo\n");
    const each = `for tool in npm:prettier@3 npm:prettier@${version} fmt; do ` +
      "mise x $tool -- prettier --version; done";
    assertEquals(await start(all, "sh", "-c", each), `${version}\n`.repeat(3));
    assertEquals(await start(all, "mise", "x", "--", "busybox", "echo", "x"), "x\n");
    for (const tool of ["demo", "busybox"]) {
      assertStringIncludes(await start(all, "mise", "which", tool), "/mise/installs/");
    }
    assertEquals(await start(all, "mise", "run", "format"), `${version}\n`);
    assertStringIncludes(await start(all, "mise", "which", "prettier"), "/mise/installs/");
    assertEquals(await start(all, "sh", "-c", SHIMS), SHIMMED);
  }
}

/** The same by `podman exec`, and on a read-only root. */
async function worksElsewhere(
  start: Start,
  { podman, image, mounted }: {
    readonly podman: Podman;
    readonly image: string;
    readonly mounted: readonly string[];
  },
): Promise<void> {
  const { stdout: id } = await podman.run([
    ...["run", "--detach", "--network", "none", "--user", "1000", "--env", "HOME=/tmp/home"],
    ...[...mounted, image, "sleep", "60"],
  ]);
  for (
    const command of [["prettier", "--version"], ["mise", "run", "format"], [
      "bash",
      "-lc",
      "prettier --version",
    ]]
  ) {
    const { stdout: said } = await podman.run(["exec", id.trim(), ...command]);
    assertEquals(said, `${version}\n`);
  }
  // On a read-only root mise wants a place for its state, and a home for shims.
  const readOnly = [...mounted, "--read-only", "--user", "1000"];
  const state = [
    ...readOnly,
    "--env",
    "MISE_STATE_DIR=/tmp/state",
    "--env",
    "MISE_DATA_DIR=/tmp/data",
  ];
  assertEquals(await start(state, "mise", "x", "--", "prettier", "--version"), `${version}\n`);
  assertEquals(await start(state, "mise", "run", "format"), `${version}\n`);
  assertEquals(await start([...readOnly, "--env", "HOME=/tmp"], "sh", "-c", SHIMS), SHIMMED);
}

testWith(
  { needs: ["mise", "base", "podman", "root"] },
  "mise, tasks and login shells in the container know the image's tools, as root, as a user and as a number",
  async () => {
    await using server = await serveStaticTool();
    await using project = await createMiseProject({
      tools: ["node", "prettier"],
      toml: `${TOML}${server.toml}`,
      ownData: true,
    });
    await project.runMise("install", "--yes", "github:test/busybox");
    await installAlias(project);
    await using podman = await startPodman();
    const base = join(podman.root, "base");
    await copyBase(base);
    const layout = join(podman.root, "image");
    const cwd = project.directory;
    const built = await runProgram(
      ["build", "--from", `oci:${base}`, "--compression", "none", "-o", layout, "--no-check"],
      { env: project.env, cwd },
    );
    assertEquals(built.code, 0, built.stderr);
    const { stdout } = await podman.run(["pull", "--quiet", `oci:${layout}`]);
    const image = stdout.trim();
    const start = async (flags: readonly string[], ...command: readonly string[]) => {
      const result = await podman.run(
        ["run", "--rm", "--network", "none", ...flags, image, ...command],
        { allowFailure: true },
      );
      assertEquals([command, result.code, result.stderr.replace(/^\[format\].*\n/m, "")], [
        command,
        0,
        "",
      ]);
      return result.stdout;
    };
    const mounted = ["--volume", `${project.directory}:/workspace:ro`];
    const { version } = TOOLS.prettier;
    await knowsTools(start, mounted);
    // Login shells set PATH anew.
    const script = "prettier --version; echo $GREETING";
    const expected = `${version}\nit's\n`;
    assertEquals(await start([], "bash", "-lc", script), expected);
    assertEquals(await start([], "env", "-i", "sh", "-lc", script), expected);
    assertEquals(await start([], "su", "-", "-c", script), expected);
    // mise is on their PATH too, and knows the tools.
    const asked = "mise which demo && mise which busybox && mise x -- demo";
    for (const shell of [["bash", "-lc"], ["su", "-", "-c"]]) {
      assertMatch(
        await start(mounted, ...shell, `cd /workspace && ${asked}`),
        /^\/mise\/installs\/pipx-demo\/\S+\n\/mise\/installs\/github-\S+\ndemo\n$/,
      );
    }
    await worksElsewhere(start, { podman, image, mounted });
    // Without a home and without a place to write, the tools themselves start.
    const bare = ["--user", "1234:1234", "--read-only", "--read-only-tmpfs=false"];
    assertEquals(await start(bare, "prettier", "--version"), `${version}\n`);
  },
);

testWith(
  { needs: ["mise", "base", "podman", "root"] },
  "the user of [oci] is written in numbers, and has a home and a working directory to write in",
  async () => {
    await using project = await createMiseProject({
      toml: `[oci]\nuser = "games:users"\n[env]\nX = "1"\n`,
    });
    await using podman = await startPodman();
    const base = join(podman.root, "base");
    await copyBase(base);
    const cwd = project.directory;
    const script = "id -u; id -g; touch $HOME/x $PWD/x && echo $HOME $PWD";
    for (
      const [toml, user, lines] of [
        [`user = "games:users"`, "5:100", undefined],
        [`user = "1234:77"\nworkdir = "/srv/app"`, "1234:77", "1234\n77\n/home/1234 /srv/app\n"],
      ] as const
    ) {
      await Deno.writeTextFile(join(cwd, "mise.toml"), `[env]\nX = "1"\n[oci]\n${toml}\n`);
      const layout = join(podman.root, `image-${user.replace(":", "-")}`);
      const built = await runProgram(
        ["build", "--from", `oci:${base}`, "--no-mise", "-o", layout],
        { env: project.env, cwd },
      );
      assertEquals(built.code, 0, built.stderr);
      const { stdout } = await podman.run(["pull", "--quiet", `oci:${layout}`]);
      const image = stdout.trim();
      const inspected = await podman.run([
        "image",
        "inspect",
        image,
        "--format",
        "{{.Config.User}}",
      ]);
      assertEquals(inspected.stdout.trim(), user);
      if (lines === undefined) continue;
      const result = await podman.run([
        "run",
        "--rm",
        "--network",
        "none",
        image,
        "sh",
        "-c",
        script,
      ]);
      assertEquals(result.stdout, lines);
    }
  },
);
