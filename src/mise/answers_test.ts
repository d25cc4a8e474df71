import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { failsToRead, fakeProject, noTools, readFake } from "../../tests/support/fake_project.ts";
import { MiseOciError } from "../errors.ts";
import { readProject } from "./project.ts";

Deno.test("C07: a mise that is too old is an error before anything else", async () => {
  await using fake = await fakeProject(noTools, () => ({
    "version --json": { stdout: { version: "2025.2.3 linux-x64" } },
  }));
  const error = await failsToRead(fake);
  assertStringIncludes(error.message, "mise 2025.2.3 at");
  assertStringIncludes(error.message, "is too old");
});

Deno.test("C07: invalid, partial, duplicate and missing JSON name the question", async () => {
  for (const stdout of ["{", '{"a": [{"version": "1"', "not json", "", '{"a":[],"a":[]}', "[]"]) {
    await using fake = await fakeProject(noTools, () => ({ "ls --current --json": { stdout } }));
    const error = await failsToRead(fake);
    assertEquals(error.code, "mise");
    assertStringIncludes(error.message, 'the answer of "mise ls --current --json"');
  }
});

Deno.test("C07: an answer of another shape names the field, never a value", async () => {
  await using fake = await fakeProject(noTools, () => ({
    "env --json-extended": { stdout: { TOKEN: { value: ["hunter2"] } } },
  }));
  const error = await failsToRead(fake);
  assertStringIncludes(error.message, '["TOKEN"].value: a string expected');
  assertEquals(JSON.stringify([error.message, error.hint]).includes("hunter2"), false);
});

Deno.test("C07: a failing mise shows its message", async () => {
  await using fake = await fakeProject(noTools, () => ({
    "bin-paths": { code: 3, stderr: "mise ERROR the disk is on fire\n" },
  }));
  const { message } = await failsToRead(fake);
  assertEquals(message, '"mise bin-paths" failed with exit code 3: the disk is on fire');
});

Deno.test("C07: noise on stderr does not matter when mise succeeds", async () => {
  await using fake = await fakeProject(noTools, () => ({
    "ls --current --json": { stdout: {}, stderr: "mise WARN  x is deprecated\nnoise\n" },
  }));
  const { details, warnings } = await readFake(fake);
  assertStringIncludes(details.join("\n"), "mise: x is deprecated");
  assertEquals(warnings, []);
});

Deno.test("C07: a mise that is killed names the signal", async () => {
  await using fake = await fakeProject(noTools, () => ({
    "settings --all --json": { shell: "kill -KILL $$" },
  }));
  assertStringIncludes(
    (await failsToRead(fake)).message,
    '"mise settings --all --json" was ended by SIGKILL',
  );
});

Deno.test("readProject() never tells the values of variables", async () => {
  await using fake = await fakeProject(noTools, ({ directory }) => ({
    "env --json-extended": {
      stdout: { S: { value: "hunter2", source: join(directory, "mise.toml") } },
    },
  }));
  const { details, warnings, project } = await readFake(fake);
  assertEquals(project.env[0]?.value, "hunter2");
  assertEquals([...details, ...warnings].join("\n").includes("hunter2"), false);
});

Deno.test("readProject() installs first when asked to, and passes the output on", async () => {
  await using fake = await fakeProject(noTools, () => ({
    "install": { stdout: "fetching\n", stderr: "installed\n" },
  }));
  const lines: string[] = [];
  await readProject({
    directory: fake.directory,
    misePath: fake.path,
    includeGlobal: false,
    install: true,
    platform: { os: "linux", architecture: "amd64" },
  }, {
    env: (name) => name === "HOME" ? fake.home : undefined,
    warn: () => {},
    detail: () => {},
    onInstallLine: (line) => void lines.push(line),
  });
  assertEquals(lines.sort(), ["fetching", "installed"]);
  assertEquals((await fake.calls()).filter((call) => call === "install").length, 1);
});

Deno.test("readProject() fails with mise's message when mise install fails", async () => {
  await using fake = await fakeProject(noTools, () => ({
    "install": { code: 1, stderr: "mise ERROR no such version\n" },
  }));
  const error = await failsToRead(fake, { install: true });
  assertStringIncludes(error.message, '"mise install" failed with exit code 1: no such version');
});

Deno.test("readProject() stops at once when aborted, with the signal's reason", async () => {
  await using fake = await fakeProject(noTools, () => ({
    "bin-paths": { shell: "exec sleep 600" },
  }));
  const reason = new MiseOciError("interrupted", "Interrupted");
  const controller = new AbortController();
  const asked = readProject({
    directory: fake.directory,
    misePath: fake.path,
    includeGlobal: false,
    install: false,
    platform: { os: "linux", architecture: "amd64" },
  }, {
    env: (name) => name === "HOME" ? fake.home : undefined,
    signal: controller.signal,
    warn: () => {},
    // The first query is done; the one that never finishes is running.
    detail: () => controller.abort(reason),
  });
  const error = await assertRejects(() => asked, MiseOciError);
  assertEquals(error.code, "interrupted");
});
