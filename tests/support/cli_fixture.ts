/**
 * A process for tests: collects what is written and answers what is asked.
 * @module
 */
import type { Io } from "../../src/commands/io.ts";
import type { Workflows } from "../../src/commands/workflows.ts";
import { runCli } from "../../src/cli.ts";
import type { CliOptions } from "../../src/cli.ts";

/** What a test may say about the process. */
export interface FakeProcess {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly terminal?: readonly ("stdin" | "stdout" | "stderr")[];
  /** Columns of the terminal; default 100. */
  readonly columns?: number;
  readonly signal?: AbortSignal;
  readonly stdout?: Io["stdout"];
}

/** What a command line did. */
export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command line in a made-up process. */
export async function runFake(
  args: readonly string[],
  options: CliOptions & FakeProcess = {},
): Promise<Ran> {
  let [stdout, stderr] = ["", ""];
  const { env = {}, cwd = "/work", terminal = [], columns = 100, signal } = options;
  const io: Io = {
    stdout: options.stdout ?? { write: (text) => void (stdout += text) },
    stderr: { write: (text) => void (stderr += text) },
    env: (name) => env[name],
    cwd: () => cwd,
    isTerminal: (stream) => terminal.includes(stream),
    size: () => ({ columns, rows: 30 }),
    signal: signal ?? new AbortController().signal,
  };
  const code = await runCli(args, io, options);
  return { code, stdout, stderr };
}

/** Workflows of which a test gives those it expects to be called. */
export function fakeWorkflows(given: Partial<Workflows>): Workflows {
  return new Proxy(given, {
    get: (target, name) =>
      Reflect.get(target, name) ?? (() => {
        throw new Error(`${String(name)} was called`);
      }),
  }) as Workflows;
}

/** Runs a command line in this process with the given variables set meanwhile. */
export async function runWithEnv(
  args: readonly string[],
  options: CliOptions & FakeProcess & { readonly env: Readonly<Record<string, string>> },
): Promise<Ran> {
  const before = Object.keys(options.env).map((name) => [name, Deno.env.get(name)] as const);
  for (const [name, value] of Object.entries(options.env)) Deno.env.set(name, value);
  try {
    return await runFake(args, options);
  } finally {
    for (const [name, value] of before) {
      value === undefined ? Deno.env.delete(name) : Deno.env.set(name, value);
    }
  }
}
