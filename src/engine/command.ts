/**
 * Starts an engine's program and explains its failures.
 * @module
 */
import { MiseOciError } from "../errors.ts";

/** How a program ended. */
export interface CommandOutcome {
  /** Exit code. */
  readonly code: number;
  /** What it wrote to stdout. */
  readonly stdout: string;
  /** The end of what it wrote to stderr, cleaned of control characters. */
  readonly errors: string;
}

/** Options of {@linkcode runEngineCommand}. */
export interface CommandOptions {
  /** Feeds the program's stdin; default: nothing there. */
  readonly feed?: (stream: WritableStream<Uint8Array<ArrayBuffer>>) => Promise<void>;
  /** Ends the program. */
  readonly signal?: AbortSignal;
}

const STDOUT_BYTES = 4 << 20;
const STDERR_BYTES = 16 << 10;

/** The last bytes of a stream; reads it to its end, so that its writer is never held up. */
async function readTail(stream: ReadableStream<Uint8Array>, limit: number): Promise<string> {
  let chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of stream) {
    chunks.push(chunk);
    size += chunk.length;
    while (chunks.length > 1 && size - (chunks[0]?.length ?? 0) >= limit) {
      size -= chunks[0]?.length ?? 0;
      chunks = chunks.slice(1);
    }
  }
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return new TextDecoder().decode(bytes.subarray(Math.max(0, size - limit)));
}

/** The last lines of what a program said, fit for an error message. */
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
 * @throws {MiseOciError} `engine` if it cannot be started; the signal's reason if that is aborted; what
 * `feed` throws, with the program's own words as context, if it ended well all the same.
 */
export async function runEngineCommand(
  command: readonly string[],
  options: CommandOptions = {},
): Promise<CommandOutcome> {
  const { feed, signal } = options;
  const [program = "", ...args] = command;
  signal?.throwIfAborted();
  const child = spawn(program, args, feed !== undefined);
  const kill = (): void => {
    try {
      child.kill("SIGTERM");
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // it has ended
    }
  };
  signal?.addEventListener("abort", kill, { once: true });
  try {
    const fed = feed === undefined
      ? undefined
      : feed(child.stdin).then(() => undefined, (e) => ({ e }));
    const [stdout, stderr, status, failure] = await Promise.all([
      readTail(child.stdout, STDOUT_BYTES),
      readTail(child.stderr, STDERR_BYTES),
      child.status,
      fed,
    ]);
    signal?.throwIfAborted();
    const outcome = { code: status.code, stdout, errors: clean(stderr) };
    if (failure !== undefined) throw feedFailure(program, outcome, failure.e);
    return outcome;
  } finally {
    signal?.removeEventListener("abort", kill);
  }
}

function spawn(program: string, args: readonly string[], piped: boolean): Deno.ChildProcess {
  try {
    return new Deno.Command(program, {
      args: [...args],
      stdin: piped ? "piped" : "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  } catch (cause) {
    if (cause instanceof Deno.errors.NotCapable) {
      throw new MiseOciError("permission", `Cannot start "${program}": not permitted`, {
        hint: `Run with --allow-run=${program}`,
        cause,
      });
    }
    throw new MiseOciError("engine", `Cannot start "${program}"`, { cause });
  }
}

/** Both causes count: a reader that died explains a writer that could not go on (faults C11). */
function feedFailure(program: string, outcome: CommandOutcome, cause: unknown): MiseOciError {
  const said = outcome.errors === "" ? "it said nothing" : `it said: ${outcome.errors}`;
  const why = cause instanceof Error ? cause.message : String(cause);
  return new MiseOciError(
    "engine",
    `"${program}" ended with code ${outcome.code} before it had read the image (${why}); ${said}`,
    { cause, hint: "Check that the engine works and that its disk is not full" },
  );
}

/** The error for a command that ended with another code than 0. */
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
