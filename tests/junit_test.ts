import { assertEquals, assertThrows } from "@std/assert";
import { parseJunit } from "../scripts/junit.ts";
import { makeTempDir, run } from "./support/testbed/command.ts";

const TESTS = `
Deno.test("good", () => {});
Deno.test("bad <&>", () => { throw new Error("no"); });
Deno.test({ name: 'idle (skipped: no "x")', ignore: true, fn() {} });
`;

Deno.test("parseJunit() counts what a real run of deno test reports", async () => {
  await using temp = await makeTempDir();
  await Deno.writeTextFile(`${temp.path}/x_test.ts`, TESTS);
  const report = `${temp.path}/junit.xml`;
  const args = ["test", "--no-check", "--no-config", `--junit-path=${report}`, temp.path];
  const { code } = await run([Deno.execPath(), ...args], { allowFailure: true });
  assertEquals(code, 1);
  assertEquals(parseJunit(await Deno.readTextFile(report)), {
    passed: 1,
    failed: ["bad <&>"],
    skipped: ['idle (skipped: no "x")'],
  });
});

Deno.test("parseJunit() refuses a report that was cut off", () => {
  assertThrows(() => parseJunit('<testsuites name="x"><testsuite>'), SyntaxError, "no complete");
});
