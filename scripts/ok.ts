/**
 * `deno task ok`: the one gate, what every change must pass. Two lanes run every check and every test of the fast
 * tier; `--all` adds the slow tier, `--slow` is the slow tier alone, `--quick` the checks and the tests that
 * start nothing real. Ends with the counts on a line of their own, and with exit code 1 if anything failed.
 * @module
 */
import { join } from "@std/path";
import manifest from "../deno.json" with { type: "json" };
import { REPOSITORY } from "../tests/support/testbed/paths.ts";
import { budgetOf, findOverruns } from "./gate/budgets.ts";
import { type Job, type JobResult, runJob, runJobs } from "./gate/job.ts";
import { addCounts, countTests, NO_TESTS, type TestCounts } from "./gate/junit.ts";

/** Tests that run alone: two docker daemons would share the kernel's names of networks. */
const EXCLUSIVE: readonly string[] = ["tests/e2e/run_docker_test.ts"];

const CHECKS: readonly Job[] = [
  { name: "check", args: ["check", "--frozen", "."] },
  { name: "lint", args: ["lint"] },
  { name: "fmt", args: ["fmt", "--check"] },
  {
    name: "compiled deflate",
    args: ["run", "-A", "--frozen", "scripts/build_wasm.ts", "--check"],
  },
  {
    name: "docs/cli.md",
    args: ["run", "-A", "--frozen", "scripts/gen_cli_docs.ts", "--check"],
  },
  {
    name: "docs/permissions.md",
    args: ["run", "-A", "--frozen", "scripts/gen_permissions.ts", "--check"],
  },
  {
    name: "docs/json.md",
    args: ["run", "-A", "--frozen", "scripts/gen_json_docs.ts", "--check"],
  },
  {
    name: "documentation of the library",
    args: ["doc", "--lint", ...Object.values(manifest.exports)],
  },
  {
    name: "package",
    args: ["publish", "--dry-run", "--allow-dirty", "--quiet", "--no-check"],
  },
];

const TEST = ["test", "-A", "--frozen", "--no-check"];

/** In one lane, one file after the other: the other lane has the tests with real parts. */
const UNIT: Job = {
  name: "unit tests and documentation examples",
  args: [...TEST, "--doc", "src"],
  isTest: true,
};

/** A part of the set-up that tests wait for. */
function setUp(name: string, args: readonly string[]): Job {
  return { name, args: ["run", "-A", "--frozen", "scripts/testbed.ts", ...args] };
}

function say(line: string): void {
  // deno-lint-ignore no-console
  console.log(line);
}

/** The files of tests of a directory, those with the largest budget first. */
function testFiles(directory: string): readonly string[] {
  const entries = [...Deno.readDirSync(join(REPOSITORY, directory))];
  return entries.filter(({ name }) => name.endsWith("_test.ts"))
    .map(({ name }) => join(directory, name))
    .sort((a, b) => budgetOf(b) - budgetOf(a) || a.localeCompare(b));
}

/** Whether a file of tests names a program that is built from Go modules. */
function needsPrograms(file: string): boolean {
  return /\bprogram\("/.test(Deno.readTextFileSync(join(REPOSITORY, file)));
}

interface SetUp {
  readonly testbed: Promise<void>;
  readonly programs: Promise<void>;
}

function testJobs(directory: string, { testbed, programs }: SetUp): readonly Job[] {
  const jobs = testFiles(directory).map((file) => ({
    name: file,
    args: [...TEST, file],
    isTest: true,
    file,
    isExclusive: EXCLUSIVE.includes(file),
    after: needsPrograms(file) ? programs : testbed,
  }));
  // Programs are built while the others run.
  return [
    ...jobs.filter(({ after }) => after === testbed),
    ...jobs.filter(({ after }) => after !== testbed),
  ];
}

const results: JobResult[] = [];

/** Prints how a job ended, and what it said if it failed. */
function note(result: JobResult): void {
  const { job, passed, seconds, cpu, output } = result;
  results.push(result);
  if (!passed) say(`\n${output.trimEnd()}`);
  const times = `${seconds.toFixed(1)} s, ${cpu.toFixed(1)} s of processors`;
  say(`${passed ? "ok    " : "FAILED"} ${job.name} (${times})`);
}

/** The counts of a job: of its tests, and itself if it failed without a test that did. */
function countsOf({ job, passed, cases }: JobResult): TestCounts {
  const counts = countTests(cases);
  if (passed || counts.failed.length > 0) return counts;
  return { ...counts, failed: [job.isTest === true ? `${job.name}: the run itself` : job.name] };
}

function list(title: string, lines: readonly string[]): void {
  if (lines.length > 0) say(`\n${title}:\n${lines.map((line) => `  ${line}`).join("\n")}`);
}

function report(): boolean {
  const cases = results.flatMap(({ job, cases }) =>
    cases.map((one) => ({ ...one, file: job.file ?? job.name }))
  );
  const slowest = cases.toSorted((a, b) => b.seconds - a.seconds).slice(0, 20);
  list(
    "slowest tests",
    slowest.map(({ name, file, seconds }) =>
      `${seconds.toFixed(1).padStart(6)} s  ${file}: ${name}`
    ),
  );
  const files = results.flatMap(({ job: { file }, seconds }) =>
    file === undefined ? [] : [{ file, seconds }]
  );
  const overruns = findOverruns(files);
  const { passed, failed, skipped } = results.map(countsOf).reduce(addCounts, NO_TESTS);
  const allFailed = [...failed, ...overruns];
  list("skipped", skipped);
  list("failed", allFailed);
  const cpu = results.reduce((sum, result) => sum + result.cpu, 0);
  say(`\n${(performance.now() / 1000).toFixed(0)} s, ${cpu.toFixed(0)} s of processors`);
  say(`${passed} passed, ${allFailed.length} failed, ${skipped.length} skipped`);
  return allFailed.length === 0;
}

const has = (flag: string): boolean => Deno.args.includes(flag);
const unknown = Deno.args.find((arg) => !["--all", "--slow", "--quick"].includes(arg));
if (unknown !== undefined) {
  // deno-lint-ignore no-console
  console.error(`error: unknown argument "${unknown}": --all, --slow or --quick`);
  Deno.exit(2);
}

/** Prepares something while other jobs run. */
async function prepare(job: Job): Promise<void> {
  note(await runJob(job));
}

const quick = has("--quick");
const testbed = quick ? Promise.resolve() : prepare(setUp("real parts", []));
const programs = quick
  ? testbed
  : testbed.then(() => prepare(setUp("programs of Go modules", ["--programs=fast"])));
const setUps: SetUp = { testbed, programs };
const jobs: Job[] = [];
if (!has("--slow")) jobs.push(...CHECKS, UNIT);
if (!has("--slow") && !quick) {
  jobs.push(...testJobs("tests/e2e", setUps), ...testJobs("tests", setUps));
}
if (has("--slow") || has("--all")) jobs.push(...testJobs("tests/slow", setUps));
await runJobs(jobs, note);
await Promise.all([testbed, programs]);
Deno.exit(report() ? 0 : 1);
