/**
 * Running the mise executable: no terminal, no prompts, nothing installed, bounded time and output.
 * @module
 */
import { describeError, MiseOciError } from "../errors.ts";
import { expandMessage } from "../home.ts";
import { OutputTooLong, ProcessTimeout, runProcess } from "../process/run.ts";

/** How long a question to mise may take, in milliseconds. */
const QUESTION_TIMEOUT_MS = 60_000;
/** How much an answer may hold, in bytes. */
export const MAX_ANSWER_BYTES: number = 16 * 1024 * 1024;
/** How much of what mise says on stderr is kept, in bytes. */
const MAX_STDERR_BYTES = 64 * 1024;

/**
 * Variables that every question is asked with. `mise env`, `mise exec` and the shims install what is
 * missing unless they are told not to, and mise may update itself; colour and boxes are for terminals.
 */
const QUIET_ENV: Readonly<Record<string, string>> = {
  MISE_AUTO_INSTALL: "0",
  MISE_EXEC_AUTO_INSTALL: "0",
  MISE_NOT_FOUND_AUTO_INSTALL: "0",
  MISE_TASK_RUN_AUTO_INSTALL: "0",
  MISE_AUTO_UPDATE: "0",
  MISE_HIDE_UPDATE_WARNING: "1",
  MISE_COLOR: "0",
  NO_COLOR: "1",
};

/** One run of mise. */
export interface MiseCall {
  /** Absolute path of the executable. */
  readonly misePath: string;
  /** A program that becomes mise, with its arguments; default none. */
  readonly starter?: readonly string[];
  /** Absolute directory it runs in. */
  readonly directory: string;
  /** Its arguments. */
  readonly args: readonly string[];
  /** Variables set in addition to this process's own. */
  readonly env?: Readonly<Record<string, string>>;
  /** Whether it gets none of this process's own. */
  readonly clearEnv?: boolean;
  /** How long it may take, in milliseconds; default {@linkcode QUESTION_TIMEOUT_MS}, 0 for ever. */
  readonly timeoutMs?: number;
  /** The home directory, which mise writes as `~` in what it says. */
  readonly home?: string | undefined;
  /** Stops it. */
  readonly signal?: AbortSignal;
  /** Takes the lines of both streams as they come; of a long stdout only the end is kept then. */
  readonly onLine?: ((line: string) => void) | undefined;
}

/** How a run of mise ended. */
export interface MiseAnswer {
  /** Exit code; that of a shell (128 + number) if a signal ended it. */
  readonly code: number;
  /** The signal that ended it. */
  readonly killedBy?: string;
  /** What it printed. */
  readonly stdout: Uint8Array;
  /** What it said, paths in full; the last 64 KiB. */
  readonly stderr: string;
}

/** The call as the user would type it, for messages. */
export function describeCall(args: readonly string[]): string {
  return JSON.stringify(["mise", ...args].join(" "));
}

/**
 * Runs mise to its end. A failing exit code is not an error here: see `explainFailure`.
 *
 * @throws {MiseOciError} `mise` if it cannot be started, takes too long or prints too much;
 * `permission` if Deno may not run it. @throws the signal's reason when aborted.
 */
export async function callMise(call: MiseCall): Promise<MiseAnswer> {
  const { misePath, directory, args, env, onLine, signal } = call;
  const { starter = [], clearEnv = false } = call;
  const timeoutMs = call.timeoutMs ?? QUESTION_TIMEOUT_MS;
  try {
    const result = await runProcess({
      command: [...starter, misePath, ...args],
      cwd: directory,
      env: { ...QUIET_ENV, ...env },
      clearEnv,
      failure: "Cannot run mise",
      allow: `mise,${misePath}`,
      explain: (cause) =>
        new MiseOciError(
          "mise",
          `Cannot run mise at ${JSON.stringify(misePath)}: ${describeError(cause)}`,
          { hint: "Pass the path of a working mise executable with --mise", cause },
        ),
      stdout: {
        maxBytes: MAX_ANSWER_BYTES,
        beyond: onLine === undefined ? "fail" : "drop",
        onLine,
      },
      stderr: { maxBytes: MAX_STDERR_BYTES, beyond: "drop", onLine },
      timeoutMs: timeoutMs === 0 ? undefined : timeoutMs,
      signal,
    });
    const stderr = new TextDecoder().decode(result.stderr);
    return { ...result, stderr: expandMessage(stderr, call.home) };
  } catch (error) {
    throw explainRun(error, call, timeoutMs);
  }
}

function explainRun(error: unknown, { args, directory }: MiseCall, timeoutMs: number): unknown {
  if (error instanceof OutputTooLong) {
    return new MiseOciError(
      "mise",
      `${describeCall(args)} printed more than ${MAX_ANSWER_BYTES} bytes`,
    );
  }
  if (!(error instanceof ProcessTimeout)) return error;
  return new MiseOciError(
    "mise",
    `${describeCall(args)} did not answer in ${timeoutMs / 1000} seconds`,
    { hint: `Run it in ${JSON.stringify(directory)} to see what it waits for` },
  );
}
