import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { MiseOciError } from "../errors.ts";
import { makeTemporary } from "./temporary.ts";

Deno.test("D13: makeTemporary() says what to do about a TMPDIR that does not exist", async () => {
  const error = await assertRejects(() => makeTemporary("none/below/x-"), MiseOciError);
  assertEquals(error.code, "io");
  assertStringIncludes(error.hint ?? "", "TMPDIR");
  const directory = await makeTemporary("mise-oci-test-");
  assertEquals((await Deno.stat(directory)).isDirectory, true);
  await Deno.remove(directory);
});
