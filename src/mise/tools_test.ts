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

Deno.test("C08: asdf plugins are refused by name, all at once, by the backend that mise names", async () => {
  await using fake = await fakeProject(() => [
    fakeTool("npm:fine"),
    fakeTool("erlang", "1", { backend: "asdf:https://example.org/erlang" }),
    fakeTool("odd", "1", { backend: "asdf:x/odd" }),
    fakeTool("vfoxed", "1", { backend: "vfox:x/vfoxed" }),
    fakeTool("new", "1", { backend: "newbackend:new" }),
  ]);
  const error = await failsToRead(fake);
  assertEquals(error.code, "tool");
  assertStringIncludes(error.message, '"erlang" (asdf:https://example.org/erlang)');
  assertStringIncludes(error.message, '"odd" (asdf:x/odd)');
  assertEquals(/vfoxed|new|fine/.test(error.message), false);
  assertStringIncludes(error.hint ?? "", "mise registry");
  assertStringIncludes(error.hint ?? "", 'allow_plugins = ["erlang"]');
  assertStringIncludes(error.hint ?? "", "--without erlang");
});

Deno.test("C08: an asdf plugin that [_.oci] allow_plugins names is accepted, the others are not", async () => {
  await using fake = await fakeProject(() => [
    fakeTool("erlang", "1", { backend: "asdf:https://example.org/erlang" }),
    fakeTool("odd", "1", { backend: "asdf:x/odd" }),
  ]);
  await writeConfig(fake, '[_.oci]\nallow_plugins = ["erlang"]\n');
  const { message } = await failsToRead(fake);
  assertEquals(message.includes("erlang"), false);
  await writeConfig(fake, '[_.oci]\nallow_plugins = ["erlang", "odd"]\n');
  const { project } = await readFake(fake);
  assertEquals(project.tools.map(({ short }) => short), ["erlang", "odd"]);
});

Deno.test("tools of vfox and of backend plugins come with the sources of their plugins", async () => {
  let data = "";
  await using fake = await createFakeMise(({ directory, home }) => {
    data = join(home, "data");
    const installPath = (name: string): string => join(data, "installs", name, "1.0.0");
    return projectAnswers(directory, [
      fakeTool("vgreet", "1.0.0", { backend: "vfox:vgreet", installPath: installPath("vgreet") }),
      fakeTool("my:one", "1.0.0", { backend: "my:one", installPath: installPath("my-one") }),
      fakeTool("my:two", "1.0.0", { backend: "my:two", installPath: installPath("my-two") }),
      fakeTool("inside", "1.0.0", { backend: "vfox:x/inside", installPath: installPath("inside") }),
    ]);
  });
  await writeConfig(fake, "");
  await Deno.mkdir(join(data, "plugins"), { recursive: true });
  await Deno.mkdir(join(fake.home, "src/my"), { recursive: true });
  await Deno.mkdir(join(fake.home, "elsewhere/vgreet"), { recursive: true });
  // mise plugin link creates links.
  await Deno.symlink(join(fake.home, "src/my"), join(data, "plugins/my"));
  const { project } = await readFake(fake, {}, {
    MISE_PLUGINS_DIR: join(fake.home, "elsewhere"),
  });
  const plugins = Object.fromEntries(project.tools.map(({ short, plugin }) => [short, plugin]));
  assertEquals(plugins, {
    vgreet: { name: "vgreet", hostPath: join(fake.home, "elsewhere/vgreet") },
    "my:one": { name: "my", hostPath: join(fake.home, "src/my") },
    "my:two": { name: "my", hostPath: join(fake.home, "src/my") },
    // This plugin is embedded in mise.
    inside: undefined,
  });
});

Deno.test("what --without and [_.oci] without name is not in the project, nor are its variables, nor is it installed", async () => {
  await using fake = await fakeProject(
    () => [fakeTool("npm:a"), fakeTool("npm:b"), fakeTool("npm:c")],
    ({ directory }) => ({
      "install": {},
      "env --json-extended": {
        stdout: {
          A_HOME: { value: "/a", tool: "npm:a", source: join(directory, "mise.toml") },
          B_HOME: { value: "/b", tool: "npm:b", source: join(directory, "mise.toml") },
        },
      },
    }),
  );
  await writeConfig(fake, '[_.oci]\nwithout = ["npm:c"]\n');
  const { project } = await readFake(fake, { without: ["npm:b", "npm:d"], install: true });
  assertEquals(project.tools.map(({ short }) => short), ["npm:a"]);
  assertEquals(project.env.map(({ name }) => name), ["A_HOME"]);
  assertStringIncludes(project.warnings.join(), "--without npm:d changes nothing");
  assertEquals(project.warnings.join().includes("--without npm:b"), false);
  const disabled = new Set(await fake.seen("MISE_DISABLE_TOOLS"));
  assertEquals(disabled, new Set(["", "npm:b,npm:d,npm:c"]));
});

Deno.test("--locked is passed on to mise install", async () => {
  await using fake = await fakeProject(
    () => [fakeTool("npm:a")],
    () => ({ "install --locked": {} }),
  );
  await readFake(fake, { install: true, locked: true });
  assertEquals((await fake.calls()).includes("install --locked"), true);
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

Deno.test("A17: an alias whose options hold credentials loses them, others keep theirs", async () => {
  const withUrl = (url: string): string => `http:one[url=${url},bin_path=bin]`;
  const backends = {
    plain: withUrl("https://host.example/one.tar.gz"),
    password: withUrl("https://me:s3cr3t-word@host.example/one.tar.gz"),
    token: withUrl(`https://host.example/one.tar.gz?token=ghp_${"a1B2".repeat(9)}`),
    header: "http:one[headers={Authorization='Basic bWU6c2VjcmV0'}]",
  };
  await using fake = await fakeProject(() =>
    Object.entries(backends).map(([name, backend]) => fakeTool(name, "1.0.0", { backend }))
  );
  const { project } = await readFake(fake);
  assertEquals(
    Object.fromEntries(project.tools.map(({ short, backend }) => [short, backend])),
    { plain: backends.plain, password: "http:one", token: "http:one", header: "http:one" },
  );
});
