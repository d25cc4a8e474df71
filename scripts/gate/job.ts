/**
 * One run of deno in the gate: a check or a file of tests.
 * @module
 */
import { join } from "@std/path";
import { exists, makeTempDir } from "../../tests/support/testbed/command.ts";
import { REPOSITORY } from "../../tests/support/testbed/paths.ts";
import { parseJunit, type TestCase } from "./junit.ts";

/** What is to run. */
export interface Job {
  readonly name: string;
  /** Arguments of deno. */
  readonly args: readonly string[];
  /** Whether it runs tests, which are counted. */
  readonly isTest?: boolean;
  /** The file of tests that it runs, for its budget. */
  readonly file?: string;
  /** Whether nothing else may run beside it. */
  readonly isExclusive?: boolean;
  /** What it waits for. Tests whose parts could not be prepared are skipped; the gate fails for the parts. */
  readonly after?: Promise<unknown>;
}

/** How a job ended. */
export interface JobResult {
  readonly job: Job;
  readonly passed: boolean;
  /** Seconds on the clock. */
  readonly seconds: number;
  /** Seconds of processors, of the process and of those that it waited for. */
  readonly cpu: number;
  /** stdout and stderr. */
  readonly output: string;
  readonly cases: readonly TestCase[];
}

/** A job that takes longer hangs, in milliseconds. */
const TIMEOUT = 25 * 60_000;

/** Runs a command, and writes what it and its children cost where `$TIMES` says; TERM ends both. */
const TIMED = `"$@" & child=$!
trap 'kill -KILL $child' TERM
wait $child; code=$?
times > "$TIMES"
exit $code`;

/** Seconds in the second line of what the shell's \`times\` prints: \`0m1.5s 0m0.25s\`. */
function parseTimes(text: string): number {
  const line = text.trim().split("\n")[1] ?? "";
  const parts = [...line.matchAll(/(\d+)m([\d.]+)s/g)];
  return parts.reduce(
    (sum, [, minutes, seconds]) => sum + Number(minutes) * 60 + Number(seconds),
    0,
  );
}

/** Runs a job to its end. Never throws for one that fails. */
export async function runJob(job: Job): Promise<JobResult> {
  const { args, isTest = false, after } = job;
  await after;
  await using temp = await makeTempDir();
  const report = join(temp.path, "junit.xml");
  const times = join(temp.path, "times");
  const start = performance.now();
  const { success, stdout, stderr } = await new Deno.Command("sh", {
    args: [
      ...["-c", TIMED, "sh", Deno.execPath(), ...args],
      ...(isTest ? [`--junit-path=${report}`] : []),
    ],
    env: { TIMES: times },
    cwd: REPOSITORY,
    stdin: "null",
    signal: AbortSignal.timeout(TIMEOUT),
  }).output();
  const seconds = (performance.now() - start) / 1000;
  const decoder = new TextDecoder();
  return {
    job,
    passed: success,
    seconds,
    cpu: await exists(times) ? parseTimes(await Deno.readTextFile(times)) : 0,
    output: `${decoder.decode(stdout)}${decoder.decode(stderr)}`,
    cases: await exists(report) ? parseJunit(await Deno.readTextFile(report)) : [],
  };
}

/**
 * Runs jobs in two lanes, in their order, and afterwards the exclusive ones alone.
 * @param done receives each result as it comes.
 */
export async function runJobs(
  jobs: readonly Job[],
  done: (result: JobResult) => void,
): Promise<void> {
  const shared = jobs.filter(({ isExclusive }) => isExclusive !== true).values();
  const lane = async (): Promise<void> => {
    for (const job of shared) done(await runJob(job));
  };
  await Promise.all([lane(), lane()]);
  for (const job of jobs) if (job.isExclusive === true) done(await runJob(job));
}
