/**
 * Running other programs: no shell, no terminal, bounded time and output, and nothing left running behind
 * a failure.
 * @module
 */
import { concat } from "../bytes.ts";
import { MiseOciError } from "../errors.ts";
import { startLateTimer } from "../late_timer.ts";

/** Default time between SIGTERM and SIGKILL, in milliseconds. */
const GRACE_MS = 1_000;

/** What {@linkcode startProcess} starts. */
export interface StartOptions {
  /** The program and its arguments. */
  readonly command: readonly string[];
  /** Absolute working directory. Default: this process's own. */
  readonly cwd?: string;
  /** Variables set in addition to this process's own. */
  readonly env?: Readonly<Record<string, string>>;
  /** Whether it gets no other variables than `env`. */
  readonly clearEnv?: boolean;
  /** Beginning of the error if Deno may not run it, such as `Cannot run mise`. */
  readonly failure: string;
  /** The value of `--allow-run` that it needs. Default: the program. */
  readonly allow?: string;
  /** The error for a program that cannot be started for another reason. */
  readonly explain: (cause: unknown) => unknown;
}

/** How the streams of a program are connected; default: `null`. */
export type Streams = Pick<Deno.CommandOptions, "stdin" | "stdout" | "stderr">;

/**
 * Starts a program.
 *
 * @throws {MiseOciError} `permission`, naming the missing flag, if Deno may not run it; what `explain`
 * returns if it cannot be started.
 */
export function startProcess(options: StartOptions, streams: Streams): Deno.ChildProcess {
  const { command: [program = "", ...args], cwd, env, clearEnv = false } = options;
  try {
    return new Deno.Command(program, {
      args,
      ...(cwd === undefined ? {} : { cwd }),
      ...(env === undefined ? {} : { env: { ...env } }),
      clearEnv,
      stdin: "null",
      stdout: "null",
      stderr: "null",
      ...streams,
    }).spawn();
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotCapable)) throw options.explain(cause);
    const allow = `--allow-run=${options.allow ?? program}`;
    throw new MiseOciError("permission", `${options.failure}: not permitted`, {
      // An executable of `deno compile` has its permissions built in.
      hint: cause.message.includes("compil")
        ? `This executable was compiled without ${allow}`
        : `Allow it with ${allow}`,
      cause,
    });
  }
}

/** Sends a signal to a program that may have ended already. */
export function sendSignal(child: Deno.ChildProcess, signal: Deno.Signal): void {
  try {
    child.kill(signal);
  } catch (error) {
    if (!(error instanceof TypeError) && !(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** Ends a program: SIGTERM, then SIGKILL; without a grace period SIGKILL immediately. */
function endProcess(child: Deno.ChildProcess, graceMs: number = GRACE_MS): void {
  if (graceMs === 0) return sendSignal(child, "SIGKILL");
  sendSignal(child, "SIGTERM");
  const timer = setTimeout(() => sendSignal(child, "SIGKILL"), graceMs);
  child.status.then(() => clearTimeout(timer), () => {});
}

/** Maximum length of a line in characters; a longer line is split, so that memory stays bounded. */
const MAX_LINE = 4096;

/**
 * Splits one stream into lines at `\n`, `\r\n` and `\r` (progress bars); empty lines are left out. Each
 * stream needs its own splitter: characters and lines may be divided anywhere between two chunks.
 * `TextLineStream` would keep a line of any length.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { LineSplitter } from "./run.ts";
 *
 * const lines: string[] = [];
 * const splitter = new LineSplitter((line) => lines.push(line));
 * const bytes = new TextEncoder().encode("first\nsecönd");
 * splitter.take(bytes.subarray(0, 10));
 * splitter.take(bytes.subarray(10));
 * splitter.end();
 * assertEquals(lines, ["first", "secönd"]);
 * ```
 */
export class LineSplitter {
  readonly #onLine: (line: string) => void;
  readonly #decoder = new TextDecoder();
  #rest = "";

  /** Calls `onLine` for every line, without its end. */
  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine;
  }

  /** Takes a chunk. */
  take(chunk: Uint8Array): void {
    this.#split(this.#decoder.decode(chunk, { stream: true }));
  }

  /** Handles the end of the stream: the remaining text is a line, too. */
  end(): void {
    this.#split(`${this.#decoder.decode()}\n`);
  }

  #split(text: string): void {
    const lines = (this.#rest + text).split(/[\r\n]+/);
    const rest = lines.pop() ?? "";
    for (const line of lines) this.#emit(line);
    const whole = rest.length - rest.length % MAX_LINE;
    this.#emit(rest.slice(0, whole));
    this.#rest = rest.slice(whole);
  }

  #emit(line: string): void {
    for (let at = 0; at < line.length; at += MAX_LINE) {
      this.#onLine(line.slice(at, at + MAX_LINE));
    }
  }
}

/** What is kept of an output stream. */
export interface CaptureOptions {
  /** How much, in bytes. */
  readonly maxBytes: number;
  /**
   * What happens if the output is longer: the program fails with {@linkcode OutputTooLong}, or the beginning
   * is dropped.
   */
  readonly beyond: "fail" | "drop";
  /** Called with each line, including those of a dropped beginning. */
  readonly onLine?: ((line: string) => void) | undefined;
}

/** How {@linkcode runProcess} works. */
export interface RunOptions extends StartOptions {
  /** Writes its stdin, which it must close. Default: no input. */
  readonly feed?: ((stdin: WritableStream<Uint8Array<ArrayBuffer>>) => Promise<void>) | undefined;
  /** Default: dropped. */
  readonly stdout?: CaptureOptions;
  /** Default: dropped. */
  readonly stderr?: CaptureOptions;
  /** Time limit in milliseconds. Default: none. */
  readonly timeoutMs?: number | undefined;
  /** Time between SIGTERM and SIGKILL, in milliseconds. Default 1 s; 0: SIGKILL immediately. */
  readonly graceMs?: number;
  /** Ends it. */
  readonly signal?: AbortSignal | undefined;
}

/** How a program ended. */
export interface ProcessResult {
  /** Exit code; that of a shell (128 + number) if a signal ended it. */
  readonly code: number;
  /** The signal that ended it. */
  readonly killedBy?: Deno.Signal;
  /** What it wrote to stdout. */
  readonly stdout: Uint8Array;
  /** What it wrote to stderr. */
  readonly stderr: Uint8Array;
  /** What `feed` failed with. */
  readonly feedFailure?: { readonly error: unknown };
}

/** A program took too long. */
export class ProcessTimeout extends Error {}

/** A program wrote more output than allowed. */
export class OutputTooLong extends Error {}

/** A stream that is being read. */
interface Collected {
  /** What is kept of it. */
  readonly bytes: Promise<Uint8Array>;
  /** Stops reading; grandchildren may keep the pipe open for a long time. */
  cancel(): Promise<void>;
}

const NOTHING: Collected = {
  bytes: Promise.resolve(new Uint8Array(0)),
  cancel: () => Promise.resolve(),
};

/** Reads a stream to its end, so that its writer is never blocked. */
export function collect(stream: ReadableStream<Uint8Array>, options: CaptureOptions): Collected {
  const { maxBytes, beyond, onLine } = options;
  const reader = stream.getReader();
  const lines = onLine === undefined ? undefined : new LineSplitter(onLine);
  const read = async (): Promise<Uint8Array> => {
    const chunks: Uint8Array[] = [];
    let size = 0;
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      lines?.take(next.value);
      chunks.push(next.value);
      size += next.value.length;
      if (size > maxBytes && beyond === "fail") throw new OutputTooLong();
      while (chunks.length > 1 && size - (chunks[0]?.length ?? 0) >= maxBytes) {
        size -= chunks.shift()?.length ?? 0;
      }
    }
    lines?.end();
    return concat(chunks).subarray(Math.max(0, size - maxBytes));
  };
  const bytes = read();
  bytes.catch(() => {});
  return { bytes, cancel: () => reader.cancel().catch(() => {}) };
}

/** Rejects when the time is up or the signal is aborted. */
function watch({ timeoutMs, signal }: RunOptions): { failed: Promise<never>; stop(): void } {
  const { promise: failed, reject } = Promise.withResolvers<never>();
  failed.catch(() => {});
  const stopTimer = timeoutMs === undefined
    ? undefined
    : startLateTimer(timeoutMs, () => reject(new ProcessTimeout()));
  const onAbort = (): void => reject(signal?.reason);
  signal?.addEventListener("abort", onAbort, { once: true });
  const stop = (): void => {
    stopTimer?.();
    signal?.removeEventListener("abort", onAbort);
  };
  return { failed, stop };
}

/**
 * Runs a program to its end. A failing exit code is not an error here.
 *
 * @throws what {@linkcode startProcess} throws; {@linkcode ProcessTimeout}; {@linkcode OutputTooLong}; the
 * reason of `signal`. In every case the program has ended by then.
 */
export async function runProcess(options: RunOptions): Promise<ProcessResult> {
  const { feed, signal } = options;
  signal?.throwIfAborted();
  const child = startProcess(options, {
    stdin: feed === undefined ? "null" : "piped",
    stdout: options.stdout === undefined ? "null" : "piped",
    stderr: options.stderr === undefined ? "null" : "piped",
  });
  const { failed, stop } = watch(options);
  const stdout = options.stdout === undefined ? NOTHING : collect(child.stdout, options.stdout);
  const stderr = options.stderr === undefined ? NOTHING : collect(child.stderr, options.stderr);
  try {
    const fed = feed?.(child.stdin).then(() => undefined, (error: unknown) => ({ error }));
    const ended = Promise.all([stdout.bytes, stderr.bytes, child.status, fed]);
    const [out, err, status, feedFailure] = await Promise.race([ended, failed]);
    signal?.throwIfAborted();
    return {
      code: status.code,
      ...(status.signal === null ? {} : { killedBy: status.signal }),
      stdout: out,
      stderr: err,
      ...(feedFailure === undefined ? {} : { feedFailure }),
    };
  } catch (error) {
    endProcess(child, error instanceof OutputTooLong ? 0 : options.graceMs);
    await Promise.all([stdout.cancel(), stderr.cancel(), child.status]);
    throw error;
  } finally {
    stop();
  }
}
