/**
 * Runs the mise executable without a terminal, prompts or automatic installs, and with limits on
 * time and output.
 * @module
 */
import { describeError, MiseOciError } from "../errors.ts";
import { expandMessage } from "../home.ts";
import { OutputTooLong, ProcessTimeout, runProcess } from "../process/run.ts";

/** Timeout of a query, in milliseconds. */
const QUESTION_TIMEOUT_MS = 60_000;
/** Limit on the output of a query, in bytes. */
export const MAX_ANSWER_BYTES: number = 16 * 1024 * 1024;
/** How much of mise's stderr is kept, in bytes. */
const MAX_STDERR_BYTES = 64 * 1024;

/**
 * Variables for every query. By default `mise env`, `mise exec` and the shims install missing
 * tools, and mise may update itself; colours and boxes are for terminals only.
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
  /** A program that executes mise, with its arguments; none by default. */
  readonly starter?: readonly string[];
  /** Absolute working directory. */
  readonly directory: string;
  /** Its arguments. */
  readonly args: readonly string[];
  /** Variables set in addition to this process's own. */
  readonly env?: Readonly<Record<string, string>>;
  /** Whether to inherit none of this process's variables. */
  readonly clearEnv?: boolean;
  /** Timeout in milliseconds; default {@linkcode QUESTION_TIMEOUT_MS}, 0 for none. */
  readonly timeoutMs?: number;
  /** The home directory, which mise abbreviates to `~` in its output. */
  readonly home?: string | undefined;
  /** Stops it. */
  readonly signal?: AbortSignal;
  /**
   * Receives the lines of both streams as they arrive; then only the end of a long stdout is kept.
   */
  readonly onLine?: ((line: string) => void) | undefined;
}

/** The result of a run of mise. */
export interface MiseAnswer {
  /** Exit code; 128 + number, as in a shell, if a signal ended it. */
  readonly code: number;
  /** The signal that ended it. */
  readonly killedBy?: string;
  /** Its stdout. */
  readonly stdout: Uint8Array;
  /** Its stderr with `~` expanded; the last 64 KiB. */
  readonly stderr: string;
}

/** The call as a user would type it, quoted for messages. */
export function describeCall(args: readonly string[]): string {
  return JSON.stringify(["mise", ...args].join(" "));
}

/**
 * Runs mise to completion. A non-zero exit code is not an error here: see `explainFailure`.
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
