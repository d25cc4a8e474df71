/**
 * `deno task ok`: the one gate. Every check and every test; ends with the counts on a line of their
 * own and with exit code 1 if anything failed. `--quick` leaves out the tests that start real parts.
 * @module
 */
import { join } from "@std/path";
import manifest from "../deno.json" with { type: "json" };
import { exists, makeTempDir } from "../tests/support/testbed/command.ts";
import { REPOSITORY } from "../tests/support/testbed/paths.ts";
import { addCounts, NO_TESTS, parseJunit, type TestCounts } from "./junit.ts";

/** A step that takes longer hangs, in milliseconds; a slow machine needs half of it. */
const TIMEOUT = 60 * 60_000;

/** One step of the gate: arguments of deno. */
interface Step {
  readonly name: string;
  readonly args: readonly string[];
}

/** The modules that the package exports. */
function entryPoints(): readonly string[] {
  return Object.values(manifest.exports);
}

const CHECKS: readonly Step[] = [
  { name: "fmt", args: ["fmt", "--check"] },
  { name: "lint", args: ["lint"] },
  { name: "check", args: ["check", "--frozen", "."] },
  {
    name: "docs/cli.md",
    args: ["run", "-A", "--frozen", "scripts/gen_cli_docs.ts", "--check"],
  },
  {
    name: "compiled deflate",
    args: ["run", "-A", "--frozen", "scripts/build_wasm.ts", "--check"],
  },
  { name: "documentation of the library", args: ["doc", "--lint", ...entryPoints()] },
  { name: "package", args: ["publish", "--dry-run", "--allow-dirty", "--quiet"] },
];

const UNIT: Step = {
  name: "unit tests and documentation examples",
  args: ["test", "-A", "--frozen", "--no-check", "--parallel", "--doc", "src"],
};

/** One after the other: they share engines, and some look at how long an engine takes to obey. */
const END_TO_END: Step = {
  name: "tests over modules, with real parts",
  args: ["test", "-A", "--frozen", "--no-check", "tests"],
};

function say(line: string): void {
  // deno-lint-ignore no-console
  console.log(line);
}

/** Starts deno in the repository, the same one that runs this, with output as it comes. */
async function deno(args: readonly string[]): Promise<boolean> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd: REPOSITORY,
    stdin: "null",
    signal: AbortSignal.timeout(TIMEOUT),
  }).spawn();
  return (await child.status).success;
}

/** Runs one step and says how long it took. */
async function runStep({ name, args }: Step): Promise<boolean> {
  say(`\n# ${name}`);
  const start = performance.now();
  const passed = await deno(args);
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  say(`# ${name}: ${passed ? "ok" : "FAILED"} (${seconds} s)`);
  return passed;
}

/** Runs tests and counts them from the report of the run itself. */
async function runTests(step: Step): Promise<TestCounts> {
  await using temp = await makeTempDir();
  const report = join(temp.path, "junit.xml");
  const passed = await runStep({ ...step, args: [...step.args, `--junit-path=${report}`] });
  const counts = await exists(report) ? parseJunit(await Deno.readTextFile(report)) : NO_TESTS;
  const unexplained = !passed && counts.failed.length === 0;
  return unexplained ? { ...counts, failed: [`${step.name}: the run itself failed`] } : counts;
}

/** The checks, while the real parts are prepared: one needs the processor, the other the network. */
async function runChecks(quick: boolean): Promise<string[]> {
  const testbed = quick
    ? Promise.resolve(true)
    : deno(["run", "-A", "--frozen", "scripts/testbed.ts"]);
  const failed: string[] = [];
  for (const step of CHECKS) {
    const script = step.args.find((arg) => arg.startsWith("scripts/"));
    if (script !== undefined && !await exists(join(REPOSITORY, script))) continue;
    if (!await runStep(step)) failed.push(step.name);
  }
  if (!await testbed) failed.push("testbed");
  return failed;
}

const quick = Deno.args.includes("--quick");
const failedChecks = await runChecks(quick);
let counts: TestCounts = { ...NO_TESTS, failed: failedChecks };
for (const step of quick ? [UNIT] : [UNIT, END_TO_END]) {
  counts = addCounts(counts, await runTests(step));
}
const list = (title: string, names: readonly string[]): void => {
  if (names.length > 0) say(`\n${title}:\n${names.map((name) => `  ${name}`).join("\n")}`);
};
list("skipped", counts.skipped);
list("failed", counts.failed);
say(`\n${counts.passed} passed, ${counts.failed.length} failed, ${counts.skipped.length} skipped`);
Deno.exit(counts.failed.length === 0 ? 0 : 1);
