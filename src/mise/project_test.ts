import { assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { writeConfig } from "../../tests/support/fake_mise.ts";
import {
  failsToRead,
  fakeProject,
  fakeTool,
  noTools,
  readFake,
} from "../../tests/support/fake_project.ts";

Deno.test("readProject() asks each question once, with auto-install off", async () => {
  await using fake = await fakeProject(() => [
    fakeTool("node", "1.0.0", { backend: "core:node" }),
    fakeTool("npm:a"),
    fakeTool("npm:b", "1.0.0"),
    fakeTool("npm:b", "2.0.0"),
  ]);
  await readFake(fake, { miseEnv: "dev" });
  const calls = [...await fake.calls()].sort();
  assertEquals(calls, [
    "bin-paths",
    "config ls --json",
    "env --json-extended",
    "env --redacted --json",
    "ls --current --json",
    "settings --all --json",
    // The name of npm:a includes its backend, and it has one version.
    "tool node --json",
    "tool npm:b --json",
    "version --json",
  ]);
  assertEquals(new Set(await fake.seen("MISE_AUTO_INSTALL")), new Set(["0"]));
  assertEquals(new Set(await fake.seen("MISE_ENV")), new Set(["dev"]));
});

Deno.test("readProject() leaves out tools, variables and [oci] of the global and home config", async () => {
  await using fake = await fakeProject(noTools, ({ directory, home }) => {
    const [own, global] = [join(directory, "mise.toml"), join(home, ".config/mise/config.toml")];
    const row = (path: string): unknown[] => [{
      version: "1.0.0",
      install_path: `/data/installs/${path === own ? "npm-own" : "npm-global"}/1.0.0`,
      source: { type: "mise.toml", path },
      installed: true,
    }];
    return {
      "config ls --json": {
        stdout: [
          { path: own, tools: ["npm:own"] },
          { path: join(home, "mise.toml"), tools: [] },
          { path: global, tools: ["npm:global"] },
        ],
      },
      "ls --current --json": { stdout: { "npm:global": row(global), "npm:own": row(own) } },
      "tool npm:own --json": { stdout: { backend: "npm:own" } },
      "tool npm:global --json": { stdout: { backend: "npm:global" } },
      "env --json-extended": {
        stdout: {
          OWN: { value: "1", source: own },
          HOME_VAR: { value: "1", source: join(home, "mise.toml") },
          GLOBAL: { value: "1", source: global },
          GLOBAL_HOME: { value: "1", tool: "npm:global", source: global },
          OWN_HOME: { value: "1", tool: "npm:own", source: own },
        },
      },
    };
  });
  for (const path of ["mise.toml", ".config/mise/config.toml"]) {
    await writeConfig(fake, '[oci]\ntag = "global:1"\n', join("../../home", path));
  }
  const { project } = await readFake(fake);
  assertEquals(project.configFiles, [join(fake.directory, "mise.toml")]);
  assertEquals(project.tools.map(({ short }) => short), ["npm:own"]);
  assertEquals(project.env.map(({ name }) => name), ["OWN", "OWN_HOME"]);
  assertEquals(project.oci.tag, undefined);
  const all = await readFake(fake, { includeGlobal: true });
  assertEquals(all.project.tools.length, 2);
  assertEquals(all.project.env.length, 5);
  assertEquals(all.project.oci.tag, "global:1");
});

Deno.test("readProject() asks again without the global config whose a file's variable is", async () => {
  const outside = "/nowhere/mise-global/config.toml";
  await using fake = await fakeProject(noTools, ({ directory, home }) => {
    const own = join(directory, "mise.toml");
    const global = join(home, ".config/mise/config.toml");
    const all = { A: { value: "1", source: "/x/a.env" }, B: { value: "1", source: "/x/b.env" } };
    return {
      "config ls --json": { stdout: [{ path: own, tools: [] }, { path: global, tools: [] }] },
      "env --json-extended": {
        shell: `if [ -n "$MISE_IGNORED_CONFIG_PATHS" ]; then echo '${
          JSON.stringify({ A: all.A })
        }'; exit 0; fi`,
        stdout: all,
      },
    };
  });
  const { project } = await readFake(fake, {}, { MISE_IGNORED_CONFIG_PATHS: outside });
  assertEquals(project.env.map(({ name }) => name), ["A"]);
  const ignored = await fake.seen("MISE_IGNORED_CONFIG_PATHS");
  const global = join(fake.home, ".config/mise/config.toml");
  assertEquals(ignored.filter((value) => value !== ""), [`${outside}:${global}`]);
});

Deno.test("readProject() keeps variables that a project file names although mise gives no source", async () => {
  await using fake = await fakeProject(noTools, () => ({
    "env --json-extended": { stdout: { LATE: { value: "x" }, PATH: { value: "/usr/bin" } } },
    "env --redacted --json": { stdout: { LATE: "x" } },
  }));
  const path = await writeConfig(fake, '[env]\nLATE = { value = "x", tools = true }\n');
  const { project } = await readFake(fake);
  assertEquals(project.env, [{ name: "LATE", value: "x", source: path, redacted: true }]);
});

Deno.test("readProject() ignores MISE_<TOOL>_VERSION, unless the global config is wanted", async () => {
  await using fake = await fakeProject(noTools, ({ directory }) => {
    const answer = (version: string, source: unknown): string =>
      JSON.stringify({
        node: [{
          version,
          install_path: `/data/installs/node/${version}`,
          source,
          installed: true,
        }],
      });
    return {
      "ls --current --json": {
        shell: `if [ "$MISE_NODE_VERSION" = off ] || [ -z "\${MISE_NODE_VERSION-x}" ]; then echo '${
          answer("24.0.0", { type: "mise.toml", path: join(directory, "mise.toml") })
        }'; exit 0; fi`,
        stdout: answer("20.0.0", { type: "environment", key: "MISE_NODE_VERSION", value: "20" }),
      },
      "tool node --json": { stdout: { backend: "core:node", active_versions: [] } },
    };
  });
  const { project, details } = await readFake(fake);
  assertEquals(project.tools.map(({ version }) => version), ["24.0.0"]);
  assertStringIncludes(details.join("\n"), "Ignoring MISE_NODE_VERSION");
  const all = await readFake(fake, { includeGlobal: true });
  assertEquals(all.project.tools.map(({ version }) => version), ["20.0.0"]);
});

Deno.test("readProject() says so when there is no project config", async () => {
  await using fake = await fakeProject(noTools, () => ({ "config ls --json": { stdout: [] } }));
  const error = await failsToRead(fake);
  assertStringIncludes(error.message, "No project mise config in");
  assertStringIncludes(error.hint ?? "", "--include-global");
  assertEquals((await readFake(fake, { includeGlobal: true })).project.tools, []);
});

Deno.test("readProject() says that the config of the home directory is the user's own", async () => {
  await using fake = await fakeProject(noTools, ({ home }) => ({
    "config ls --json": { stdout: [{ path: join(home, "mise.toml"), tools: [] }] },
  }));
  const home = join(fake.directory, "../../home");
  await writeConfig(fake, "[tools]\n", "../../home/mise.toml");
  const { message, hint } = await failsToRead(fake, { directory: home });
  assertStringIncludes(message, `mise.toml" is the user's own`);
  assertStringIncludes(hint ?? "", "below the home directory");
});

Deno.test("readProject() says so when the directory does not exist", async () => {
  await using fake = await fakeProject(noTools);
  const error = await failsToRead(fake, { directory: join(fake.directory, "gone") });
  assertStringIncludes(error.message, "no such directory");
});

Deno.test("readProject() takes settings, packages and [_.oci]", async () => {
  await using fake = await fakeProject(noTools, () => ({
    "settings --all --json": {
      stdout: { oci: { default_from: "alpine:3", insecure_registries: ["r:1"] }, node: {} },
    },
  }));
  await writeConfig(
    fake,
    '[bootstrap.packages]\n"apt:curl" = "latest"\n[bootstrap.services.x]\na = 1\n[_.oci]\ndrop_env = ["X"]\n',
  );
  const { project } = await readFake(fake);
  assertEquals(project.settings, { defaultFrom: "alpine:3", insecureRegistries: ["r:1"] });
  assertEquals(project.packages?.map(({ name }) => name), ["curl"]);
  assertEquals(project.oci.dropEnv, ["X"]);
  assertStringIncludes(project.warnings.join(), "[bootstrap.services]");
});

Deno.test("readProject() takes dotfiles as mise merges them, with inline text and exclusions", async () => {
  await using fake = await fakeProject(noTools, ({ directory }) => {
    const origin = { config: join(directory, "mise.toml") };
    return {
      "bootstrap dotfiles status --json": {
        stdout: {
          files: [
            { target: "~/a", source: join(directory, "a"), mode: "copy", origin },
            { target: "/etc/b", source: null, mode: "content", origin },
            { target: "~/g", source: "/g", mode: "copy", origin: { config: "/elsewhere" } },
            { target: "~/n", source: "/n", mode: "new-mode", origin },
          ],
          edits: [{ origin }],
        },
      },
    };
  });
  const source = await writeConfig(
    fake,
    '[dotfiles]\n"~/a" = { source = "a", mode = "copy", exclude = ["*.md"] }\n' +
      '"/etc/b" = { content = "x" }\n',
  );
  const { project, warnings } = await readFake(fake);
  assertEquals(project.dotfiles, [
    { target: "~/a", mode: "copy", exclude: ["*.md"], source, hostPath: join(fake.directory, "a") },
    { target: "/etc/b", mode: "content", content: "x", exclude: [], source },
  ]);
  assertStringIncludes(warnings.join(), "edit a part of a file");
  assertStringIncludes(warnings.join(), 'mode "new-mode" means nothing in an image');
});
