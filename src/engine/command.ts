/**
 * Starts an engine's program and explains its failures.
 * @module
 */
import { MiseOciError } from "../errors.ts";
import { runProcess } from "../process/run.ts";

/** How a program ended. */
export interface CommandOutcome {
  /** Exit code. */
  readonly code: number;
  /** What it wrote to stdout. */
  readonly stdout: string;
  /** The end of its stderr, without control characters. */
  readonly errors: string;
}

/** Options of {@linkcode runEngineCommand}. */
export interface CommandOptions {
  /** Feeds the program's stdin; default: no input. */
  readonly feed?: (stream: WritableStream<Uint8Array<ArrayBuffer>>) => Promise<void>;
  /** Ends the program. */
  readonly signal?: AbortSignal;
}

const STDOUT_BYTES = 4 << 20;
const STDERR_BYTES = 16 << 10;
/** Time to clean up after SIGTERM, in milliseconds: an engine that is killed may leave locks behind. */
const GRACE_MS = 10_000;

/** The last lines of a program's output, suitable for an error message. */
function clean(text: string): string {
  const lines = text.split(/[\r\n]+/).map((line) =>
    // deno-lint-ignore no-control-regex
    line.replace(/\x1b\[[0-9;]*[A-Za-z]/g, "").replace(/[\x00-\x1f\x7f]/g, " ").trim()
  ).filter((line) => line !== "");
  return lines.slice(-4).join("; ").slice(-1000);
}

/**
 * Runs a program of an engine to its end.
 *
 * @throws {MiseOciError} `engine` if it cannot be started; the signal's reason if that is aborted; the error
 * of `feed`, with the program's output as context, if the program ended successfully nevertheless.
 */
export async function runEngineCommand(
  command: readonly string[],
  options: CommandOptions = {},
): Promise<CommandOutcome> {
  const [program = ""] = command;
  const result = await runProcess({
    command,
    failure: `Cannot start "${program}"`,
    explain: (cause) => new MiseOciError("engine", `Cannot start "${program}"`, { cause }),
    feed: options.feed,
    stdout: { maxBytes: STDOUT_BYTES, beyond: "drop" },
    stderr: { maxBytes: STDERR_BYTES, beyond: "drop" },
    graceMs: GRACE_MS,
    signal: options.signal,
  });
  const decoder = new TextDecoder();
  const outcome = {
    code: result.code,
    stdout: decoder.decode(result.stdout),
    errors: clean(decoder.decode(result.stderr)),
  };
  if (result.feedFailure !== undefined) {
    throw feedFailure(program, outcome, result.feedFailure.error);
  }
  return outcome;
}

/** Both causes are reported: a reader that died explains why the writer failed (faults C11). */
function feedFailure(program: string, outcome: CommandOutcome, cause: unknown): MiseOciError {
  const said = outcome.errors === "" ? "it said nothing" : `it said: ${outcome.errors}`;
  const why = cause instanceof Error ? cause.message : String(cause);
  return new MiseOciError(
    "engine",
    `"${program}" ended with code ${outcome.code} before it had read the image (${why}); ${said}`,
    { cause, hint: "Check that the engine works and that its disk is not full" },
  );
}

/** The error for a command with an exit code other than 0. */
export function commandError(
  action: string,
  command: readonly string[],
  outcome: CommandOutcome,
): MiseOciError {
  const said = outcome.errors === "" ? "" : `: ${outcome.errors}`;
  return new MiseOciError(
    "engine",
    `Cannot ${action}: "${command[0]} ${command[1] ?? ""}" ended with code ${outcome.code}${said}`,
    { hint: "Check that the engine works: podman info, or docker info" },
  );
}
