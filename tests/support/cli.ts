/**
 * The program as users run it: `deno run -P --config … main.ts`, under the permissions of deno.json.
 * @module
 */
import { join } from "@std/path";
import { REPOSITORY, run, type RunOptions, type RunResult } from "./testbed.ts";

/** The command line that runs the program from any directory. */
export function programCommand(args: readonly string[]): [string, ...string[]] {
  const config = join(REPOSITORY, "deno.json");
  const main = join(REPOSITORY, "main.ts");
  return [Deno.execPath(), "run", "--quiet", "--frozen", "-P", "--config", config, main, ...args];
}

/** Runs the program; a failure does not throw, so that tests can look at it. */
export function runProgram(
  args: readonly string[],
  options: Omit<RunOptions, "allowFailure">,
): Promise<RunResult> {
  return run(programCommand(args), { ...options, allowFailure: true });
}

/** Runs the program and parses what `--json` printed. @throws {Error} with its stderr if it failed. */
export async function runProgramJson<T>(
  args: readonly string[],
  options: Omit<RunOptions, "allowFailure">,
): Promise<T> {
  const result = await runProgram([...args, "--json"], options);
  if (result.code !== 0) {
    throw new Error(`mise-oci ${args.join(" ")} ended with ${result.code}: ${result.stderr}`);
  }
  return JSON.parse(result.stdout);
}
