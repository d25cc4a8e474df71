import { assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { createFakeMise, projectAnswers, writeConfig } from "../../tests/support/fake_mise.ts";
import { failsToRead, fakeProject, fakeTool, readFake } from "../../tests/support/fake_project.ts";

Deno.test("readProject() gives tools in the order of the config, with backend and paths", async () => {
  await using fake = await fakeProject(
    () => [fakeTool("npm:z"), fakeTool("npm:a", "2.0.0", { installed: false })],
    ({ directory }) => ({
      "config ls --json": {
        stdout: [{ path: join(directory, "mise.toml"), tools: ["npm:z", "npm:a"] }],
      },
      "ls --current --json": {
        stdout: Object.fromEntries(["npm:a", "npm:z"].map((short) => [short, [{
          version: "1.0.0",
          requested_version: "latest",
          install_path: `/data/installs/${short.replace(":", "-")}/1.0.0`,
          source: { type: "mise.toml", path: join(directory, "mise.toml") },
          installed: short === "npm:z",
        }]])),
      },
      "bin-paths": { stdout: "/data/installs/npm-z/1.0.0/bin\n/data/installs/npm-z/1.0.0x/bin\n" },
    }),
  );
  const { project } = await readFake(fake);
  assertEquals(project.tools.map(({ short }) => short), ["npm:z", "npm:a"]);
  const [z, a] = project.tools;
  assertEquals(z?.installDir, "npm-z/1.0.0");
  assertEquals(z?.backend, "npm:z");
  assertEquals(z?.binPaths, ["/data/installs/npm-z/1.0.0/bin"]);
  assertEquals(z?.binDirs, ["bin"]);
  assertEquals(z?.requested, "latest");
  assertEquals([a?.installed, a?.binPaths, a?.realInstallPath], [false, [], undefined]);
});

Deno.test("readProject() keeps the config's order of several versions of a tool", async () => {
  await using fake = await fakeProject(
    () => [fakeTool("npm:a", "1.0.0"), fakeTool("npm:a", "2.0.0")],
    () => ({
      "tool npm:a --json": { stdout: { backend: "npm:a", active_versions: ["2.0.0", "1.0.0"] } },
    }),
  );
  const { project } = await readFake(fake);
  assertEquals(project.tools.map(({ version }) => version), ["2.0.0", "1.0.0"]);
});

Deno.test("C08: tools that are not installed are no error of reading", async () => {
  await using fake = await fakeProject(() => [
    fakeTool("npm:a", "1.0.0", { installed: false }),
    fakeTool("npm:b", "1.0.0", { installed: false }),
  ]);
  const { project } = await readFake(fake);
  assertEquals(project.tools.map(({ installed }) => installed), [false, false]);
});

Deno.test("C08: plugins are refused by name, all at once, by the backend that mise names", async () => {
  await using fake = await fakeProject(() => [
    fakeTool("npm:fine"),
    fakeTool("erlang", "1", { backend: "asdf:https://example.org/erlang" }),
    fakeTool("odd", "1", { backend: "vfox:x/odd" }),
    fakeTool("mine:tool", "1", { backend: "mine:tool" }),
    fakeTool("new", "1", { backend: "newbackend:new" }),
  ]);
  const error = await failsToRead(fake);
  assertEquals(error.code, "tool");
  assertStringIncludes(error.message, '"erlang" (asdf:https://example.org/erlang)');
  assertStringIncludes(error.message, '"odd" (vfox:x/odd)');
  assertStringIncludes(error.message, '"mine:tool" (mine:tool)');
  assertEquals(error.message.includes('"new"'), false);
  assertStringIncludes(error.hint ?? "", "mise registry");
});

Deno.test('C08: refuses install paths "/", top-level, home, above the project', async () => {
  for (const path of ["/", "/usr", "/usr/local", "HOME", "ABOVE", "..", "/data/../../etc"]) {
    let installPath = path;
    await using fake = await createFakeMise(({ directory, home }) => {
      if (path === "HOME") installPath = home;
      if (path === "ABOVE") installPath = join(directory, "..");
      return projectAnswers(directory, [fakeTool("npm:a", "1.0.0", { installPath })]);
    });
    await writeConfig(fake, "");
    const error = await failsToRead(fake);
    assertEquals(error.code, "tool", path);
    assertStringIncludes(error.message, '"npm:a@1.0.0"');
  }
});

Deno.test("C08: refuses a linked install that is the root of the host", async () => {
  let link = "";
  await using fake = await createFakeMise(({ directory, home }) => {
    link = join(home, "installs/npm-a/1.0.0");
    return projectAnswers(directory, [fakeTool("npm:a", "1.0.0", { installPath: link })]);
  });
  await writeConfig(fake, "");
  await Deno.mkdir(join(link, ".."), { recursive: true });
  await Deno.symlink("/", link);
  assertStringIncludes((await failsToRead(fake)).message, 'its install path is "/"');
});

Deno.test("C08: refuses an install that is a link to itself", async () => {
  let link = "";
  await using fake = await createFakeMise(({ directory, home }) => {
    link = join(home, "installs/npm-a/1.0.0");
    return projectAnswers(directory, [fakeTool("npm:a", "1.0.0", { installPath: link })]);
  });
  await writeConfig(fake, "");
  await Deno.mkdir(join(link, ".."), { recursive: true });
  await Deno.symlink(link, link);
  const { code, message } = await failsToRead(fake);
  assertEquals(code, "tool");
  assertStringIncludes(message, "is a link that leads to itself");
});

Deno.test("what mise shortens with ~/ or leaves relative is absolute in the project", async () => {
  await using fake = await fakeProject(() => [
    fakeTool("npm:a", "1.0.0", { installPath: "~/data/installs/npm-a/1.0.0" }),
    fakeTool("npm:b", "2.0.0", { installPath: "../data/installs/npm-b/2.0.0" }),
  ]);
  const { project } = await readFake(fake);
  assertEquals(project.tools.map(({ installPath }) => installPath), [
    join(fake.home, "data/installs/npm-a/1.0.0"),
    join(fake.directory, "../data/installs/npm-b/2.0.0"),
  ]);
});

Deno.test('C08: refuses "path:" versions and leaves "system" ones out with a warning', async () => {
  await using path = await fakeProject(() => [
    fakeTool("node", "path:/opt/node", { backend: "core:node", installPath: "/opt/node" }),
  ]);
  const error = await failsToRead(path);
  assertStringIncludes(error.message, '"node" (path:/opt/node)');
  assertStringIncludes(error.hint ?? "", "mise link");
  await using system = await fakeProject(() => [fakeTool("python", "system")]);
  const { project, warnings } = await readFake(system);
  assertEquals(project.tools, []);
  assertStringIncludes(warnings.join(), '"python" is the system\'s own');
});
