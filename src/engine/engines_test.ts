import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { MiseOciError } from "../errors.ts";
import { makeFakeProgram } from "../../tests/support/fake_engine.ts";
import { selectEngine } from "./engines.ts";

const ignore = Deno.build.os === "windows";

Deno.test({
  name: "C10: auto prefers podman, then docker, by the order of PATH within each",
  ignore,
  fn: async () => {
    await using podman = await makeFakeProgram("podman", "");
    await using docker = await makeFakeProgram("docker", "");
    await using later = await makeFakeProgram("docker", "");
    const path = `:/nowhere:${docker.directory}:${later.directory}:${podman.directory}`;
    assertEquals((await selectEngine({ engine: "auto", path })).program, podman.path);
    assertEquals((await selectEngine({ engine: "docker", path })).program, docker.path);
    const only = await selectEngine({ engine: "auto", path: docker.directory });
    assertEquals([only.name, only.program], ["docker", docker.path]);
  },
});

Deno.test({
  name: "a file that cannot be executed is no engine",
  ignore,
  fn: async () => {
    await using podman = await makeFakeProgram("podman", "");
    await Deno.chmod(podman.path, 0o644);
    const path = podman.directory;
    await assertRejects(() => selectEngine({ engine: "podman", path }), MiseOciError);
  },
});

Deno.test("C10: no engine: both are named with how to install them", async () => {
  const error = await assertRejects(
    () => selectEngine({ engine: "auto", path: "/nowhere" }),
    MiseOciError,
    "neither podman nor docker is on PATH",
  );
  assertEquals(error.code, "engine");
  assertStringIncludes(error.hint ?? "", "podman.io");
  assertStringIncludes(error.hint ?? "", "docs.docker.com");
  await assertRejects(
    () => selectEngine({ engine: "docker", path: "/nowhere" }),
    MiseOciError,
    "docker is not on PATH",
  );
});
