import { assert, assertEquals, assertNotMatch, assertRejects, assertThrows } from "@std/assert";
import { MiseOciError } from "../errors.ts";
import { parseReference } from "../oci/mod.ts";
import { checkTool, externalToolArguments, pushWithTool } from "./external_tool.ts";

const reference = parseReference("localhost:5000/team/app:v1");
const push = { tool: "skopeo", layout: "/work/img", reference, insecure: true } as const;

Deno.test("skopeo keeps digests and sends every image of an index", () => {
  assertEquals(externalToolArguments(push), [
    "copy",
    "--all",
    "--preserve-digests",
    "--dest-tls-verify=false",
    "oci:/work/img",
    "docker://localhost:5000/team/app:v1",
  ]);
});

Deno.test("skopeo checks TLS unless the registry is loopback or listed as insecure", () => {
  const flag = (text: string, insecure: boolean): boolean =>
    externalToolArguments({ ...push, insecure, reference: parseReference(text) })
      .includes("--dest-tls-verify=false");
  assertEquals(flag("ghcr.io/me/app:1", false), false);
  assertEquals(flag("ghcr.io/me/app:1", true), true);
  for (const host of ["localhost:5000", "127.0.0.1:5000", "[::1]:5000"]) {
    assertEquals(flag(`${host}/app:1`, false), true, host);
  }
});

Deno.test("crane gets the directory", () => {
  assertEquals(externalToolArguments({ ...push, tool: "crane" }), [
    "push",
    "--insecure",
    "/work/img",
    "localhost:5000/team/app:v1",
  ]);
});

Deno.test("a directory with a colon is refused for skopeo, which would cut its name there", () => {
  assertThrows(
    () => externalToolArguments({ ...push, layout: "/a:b" }),
    MiseOciError,
    "it has a colon",
  );
});

Deno.test("a program that is missing is named with the way out", async () => {
  const run = (): Promise<never> => Promise.reject(new Deno.errors.NotFound("x"));
  // Also before a build.
  for (const attempt of [() => pushWithTool(push, { run }), () => checkTool("skopeo", { run })]) {
    const message = 'Cannot run "skopeo": it is not on PATH';
    const error = await assertRejects(attempt, MiseOciError, message);
    assertEquals(error.code, "not-found");
    assert(error.hint?.includes("leave --tool out"));
  }
});

Deno.test("a program that fails is quoted from its end, without control characters", async () => {
  const text = "x".repeat(10_000) + "\x1b[31mFATA unauthorized\x1b[0m\r\n\x07";
  const run = (): Promise<{ code: number; text: string }> => Promise.resolve({ code: 1, text });
  const error = await assertRejects(
    () => pushWithTool(push, { run }),
    MiseOciError,
    "skopeo ended with code 1",
  );
  assert(error.message.endsWith("FATA unauthorized"));
  assert(error.message.length < 2200);
  assertNotMatch(error.message, /\p{Cc}/u);
});
