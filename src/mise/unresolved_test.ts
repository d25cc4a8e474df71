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
import { parseUnresolved } from "./unresolved.ts";

/** mise's warning about a tool that it omits. */
function warning(file: string, request: string, why: string): string {
  const short = request.replace(/@[^@]*$/, "");
  return `mise WARN  Failed to resolve tool version list for ${short}: [${file}] ${request}: ${why}\n`;
}

Deno.test("readProject() refuses tools that mise leaves out because it does not know them", async () => {
  await using fake = await fakeProject(() => [fakeTool("npm:a")], ({ directory }) => {
    const file = join(directory, "mise.toml");
    const said = warning(file, "foo@1", "foo not found in mise tool registry") +
      warning(file, "noed@24", "noed not found in mise tool registry") +
      "\nDid you mean?\n  node\n  nomad\n";
    return { "bin-paths": { stderr: said } };
  });
  const error = await failsToRead(fake);
  assertEquals(error.code, "tool");
  assertStringIncludes(error.message, '"foo@1"');
  assertStringIncludes(error.message, '"noed@24"');
  assertStringIncludes(error.message, "mise.toml");
  assertEquals(error.hint, "Did you mean node, nomad instead of noed?");
});

Deno.test("readProject() refuses tools whose version mise cannot look up without a network", async () => {
  await using fake = await fakeProject(noTools, ({ directory }) => ({
    "bin-paths": {
      stderr: warning(join(directory, "mise.toml"), "node@24", "error sending request: dns error"),
    },
  }));
  const error = await failsToRead(fake);
  assertStringIncludes(error.message, "dns error");
  assertStringIncludes(error.hint ?? "", '"node" = "1.2.3"');
});

Deno.test("readProject() asks for mise's warnings whatever its settings say", async () => {
  await using fake = await fakeProject(noTools);
  await readFake(fake);
  const seen = await fake.seen("MISE_LOG_LEVEL");
  assertEquals(seen.includes("warn"), true);
});

Deno.test("readProject() does without unknown tools of the global config", async () => {
  await using fake = await fakeProject(() => [fakeTool("npm:a")], ({ directory, home }) => {
    const global = join(home, ".config/mise/config.toml");
    return {
      "bin-paths": { stderr: warning(global, "foo@1", "foo not found in mise tool registry") },
      "config ls --json": {
        stdout: [{ path: join(directory, "mise.toml"), tools: ["npm:a"] }, {
          path: global,
          tools: ["foo"],
        }],
      },
    };
  });
  const { project } = await readFake(fake);
  assertEquals(project.tools.map(({ short }) => short), ["npm:a"]);
});

Deno.test("readProject() ignores MISE_<TOOL>_VERSION of a tool that mise cannot resolve", async () => {
  const said = warning("MISE_XYZ_VERSION=1", "xyz@1", "xyz not found in mise tool registry");
  await using fake = await fakeProject(() => [fakeTool("npm:a")], () => ({
    "bin-paths": {
      shell: `[ -z "\${MISE_XYZ_VERSION-x}" ] || printf '%s' '${said}' >&2`,
      stdout: "",
    },
  }));
  const { project, details } = await readFake(fake);
  assertEquals(project.tools.map(({ short }) => short), ["npm:a"]);
  assertStringIncludes(details.join("\n"), "Ignoring MISE_XYZ_VERSION");
  assertStringIncludes(
    (await failsToRead(fake, { includeGlobal: true })).message,
    "MISE_XYZ_VERSION=1",
  );
});

Deno.test("readProject() does without unknown tools that are for another system", async () => {
  await using fake = await fakeProject(noTools, ({ directory }) => ({
    "bin-paths": { stderr: warning(join(directory, "mise.toml"), "foo@1", "no versions found") },
  }));
  await writeConfig(fake, '[tools]\nfoo = { version = "1", os = ["windows"] }\n');
  const { project } = await readFake(fake);
  assertEquals(project.tools, []);
  const windows = await failsToRead(fake, { platform: { os: "windows", architecture: "amd64" } });
  assertStringIncludes(windows.message, '"foo@1"');
});

Deno.test("readProject() says that a version is empty", async () => {
  await using fake = await fakeProject(() => [fakeTool("npm:a", "")]);
  const error = await failsToRead(fake);
  assertStringIncludes(error.message, '"npm:a"');
  assertStringIncludes(error.message, "its version is empty");
});

Deno.test("parseUnresolved() ignores other warnings and errors", () => {
  assertEquals(parseUnresolved("mise WARN  something: [x] y: z\nmise ERROR no\n  word\n"), []);
});

Deno.test("A10: tables and keys that mise ignores are said, but for settings and other people's files", async () => {
  await using fake = await fakeProject(noTools, ({ directory }) => {
    const line = (file: string, field: string) => `mise WARN  unknown field in ${file}: ${field}\n`;
    const file = join(directory, "mise.toml");
    const stderr = line(file, "envv") + line(file, "envv") + line(file, "zebra.x") +
      line(file, "settings.new") + line("/elsewhere/mise.toml", "tool");
    return { "bin-paths": { stderr } };
  });
  const file = await writeConfig(fake, "[tools]\n[envv]\nA = '1'\n");
  const { project } = await readFake(fake);
  assertEquals(project.warnings, [
    `Unknown key "envv" in "${file}:2": mise ignores it, and nothing of it is in the image; did you mean "env"?`,
    `Unknown key "zebra.x" in "${file}": mise ignores it, and nothing of it is in the image`,
  ]);
});

Deno.test("A13: an exact version that cannot be looked up is to be installed, not asked for exactly", async () => {
  await using fake = await fakeProject(noTools, ({ directory }) => ({
    "bin-paths": {
      stderr: warning(
        join(directory, "mise.toml"),
        "node@24.11.0",
        "error sending request: dns error",
      ),
    },
  }));
  const { hint = "" } = await failsToRead(fake);
  assertStringIncludes(hint, 'run "mise install node@24.11.0" where there is a network');
});
