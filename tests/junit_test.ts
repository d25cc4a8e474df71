import { assertEquals, assertThrows } from "@std/assert";
import { findOverruns } from "../scripts/gate/budgets.ts";
import { countTests, parseJunit } from "../scripts/gate/junit.ts";
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
  const cases = parseJunit(await Deno.readTextFile(report));
  assertEquals(cases.every(({ seconds }) => seconds >= 0 && seconds < 60), true);
  assertEquals(countTests(cases), {
    passed: 1,
    failed: ["bad <&>"],
    skipped: ['idle (skipped: no "x")'],
  });
});

Deno.test("parseJunit() refuses a report that was cut off", () => {
  assertThrows(() => parseJunit('<testsuites name="x"><testsuite>'), SyntaxError, "no complete");
});

Deno.test("findOverruns() names a file that takes twice its budget, however slow the machine is", () => {
  const files = (...seconds: number[]): { file: string; seconds: number }[] =>
    seconds.map((one, i) => ({ file: `tests/e2e/${i}_test.ts`, seconds: one }));
  assertEquals(findOverruns(files(1, 10, 39)), []);
  assertEquals(findOverruns(files(1, 10, 41)).length, 1);
  assertEquals(findOverruns(files(100, 110, 120)), []);
  const [overrun = ""] = findOverruns(files(60, 60, 60, 121));
  assertEquals(overrun.includes("tests/e2e/3_test.ts took 121 s"), true, overrun);
  assertEquals(overrun.includes("3.0 times as slow"), true, overrun);
});
