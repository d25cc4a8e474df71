import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { MiseOciError } from "../errors.ts";
import { parsePlatform } from "../oci/mod.ts";
import { writeConfig } from "../../tests/support/fake_mise.ts";
import {
  failsToRead,
  fakeProject,
  fakeTool,
  noTools,
  readFake,
} from "../../tests/support/fake_project.ts";
import { refuseUnsupported } from "./conditions.ts";
import { parseConfigFile } from "./config_file.ts";

Deno.test("what newer mises have and images cannot is refused by name: include and install_layout", async () => {
  await using layout = await fakeProject(noTools, () => ({
    "settings --all --json": { stdout: { install_layout: "identity" } },
  }));
  const refused = await failsToRead(layout);
  assertEquals(refused.code, "unsupported");
  assertStringIncludes(refused.message, 'install_layout = "identity"');
  await using include = await fakeProject(noTools);
  await writeConfig(include, '\ninclude = ["other.toml"]\n');
  const { message, hint } = await failsToRead(include);
  assertStringIncludes(message, '"include" in ');
  assertStringIncludes(message, "mise.toml:2");
  assertStringIncludes(hint ?? "", "the project's own files");
});

Deno.test('"when" of a tool is mise\'s own matter on this machine, and refused for another platform', () => {
  const file = parseConfigFile("/p/mise.toml", '[tools]\na = { version = "1", when = "x" }\n');
  const settings = { insecureRegistries: [] };
  refuseUnsupported([file], { settings, foreign: undefined });
  const foreign = parsePlatform("linux/arm64");
  const error = assertThrows(() => refuseUnsupported([file], { settings, foreign }), MiseOciError);
  assertStringIncludes(error.message, '"when" of the tool "a" (/p/mise.toml) for linux/arm64');
  assertStringIncludes(error.hint ?? "", "--without a");
});

Deno.test("a lazy tool, which mise install leaves alone, is installed by name", async () => {
  await using fake = await fakeProject(
    () => [fakeTool("npm:a"), fakeTool("npm:lazy", "2.0.0", { installed: false })],
    () => ({ "install": {}, "install npm:lazy@2.0.0": {} }),
  );
  await readFake(fake, { install: true });
  assertEquals((await fake.calls()).filter((call) => call.startsWith("install")).sort(), [
    "install",
    "install npm:lazy@2.0.0",
  ]);
});
