/**
 * Running the mise executable: no terminal, no prompts, nothing installed, bounded time and output.
 * @module
 */
import { describeError, MiseOciError } from "../errors.ts";
import { expandMessage } from "../home.ts";
import { startLateTimer } from "../late_timer.ts";

/** How long a question to mise may take, in milliseconds. */
export const QUESTION_TIMEOUT_MS = 60_000;
/** How much an answer may hold, in bytes. */
export const MAX_ANSWER_BYTES: number = 16 * 1024 * 1024;
/** How much of what mise says on stderr is kept, in bytes. */
const MAX_STDERR_BYTES = 64 * 1024;
/** How long mise has between SIGTERM and SIGKILL, in milliseconds. */
const GRACE_MS = 1_000;

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
  /** Takes what it prints on both streams as it comes; then `stdout` of the result is empty. */
  readonly onOutput?: (chunk: Uint8Array) => void;
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

class OutputTooLong extends Error {}

/** A stream that is being read. */
interface Collected {
  /** What it held. */
  readonly bytes: Promise<Uint8Array>;
  /** Stops reading; grandchildren may hold the pipe open for long. */
  cancel(): void;
}

/** Reads a stream to its end. Beyond `limit` it fails, or with `keepLast` forgets the beginning. */
function collect(
  stream: ReadableStream<Uint8Array>,
  options: { limit: number; keepLast: boolean; onChunk?: (chunk: Uint8Array) => void },
): Collected {
  const reader = stream.getReader();
  const read = async (): Promise<Uint8Array> => {
    const chunks: Uint8Array[] = [];
    let size = 0;
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      options.onChunk?.(next.value);
      chunks.push(next.value);
      size += next.value.length;
      if (size > options.limit && !options.keepLast) throw new OutputTooLong();
      while (size > options.limit && chunks.length > 1) size -= chunks.shift()?.length ?? 0;
    }
    const bytes = new Uint8Array(size);
    let at = 0;
    for (const chunk of chunks) {
      bytes.set(chunk, at);
      at += chunk.length;
    }
    return bytes;
  };
  const bytes = read();
  bytes.catch(() => {});
  return { bytes, cancel: () => void reader.cancel().catch(() => {}) };
}

function spawn(call: MiseCall): Deno.ChildProcess {
  try {
    const [program = "", ...args] = [...call.starter ?? [], call.misePath, ...call.args];
    return new Deno.Command(program, {
      args,
      cwd: call.directory,
      env: { ...QUIET_ENV, ...call.env },
      clearEnv: call.clearEnv ?? false,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  } catch (cause) {
    if (cause instanceof Deno.errors.NotCapable) {
      throw new MiseOciError("permission", `Cannot run mise: not permitted`, {
        hint: `Allow it with --allow-run=mise,${call.misePath}`,
        cause,
      });
    }
    throw new MiseOciError(
      "mise",
      `Cannot run mise at ${JSON.stringify(call.misePath)}: ${describeError(cause)}`,
      { hint: "Pass the path of a working mise executable with --mise", cause },
    );
  }
}

function killer(child: Deno.ChildProcess): (signal: Deno.Signal) => void {
  return (signal) => {
    try {
      child.kill(signal);
    } catch {
      // It has ended already.
    }
  };
}

/**
 * Rejects when the time is up or the signal is aborted, and ends the child: a template or plugin that
 * hangs gets SIGTERM, then SIGKILL. Grandchildren may hold the pipes open, so nothing waits for them.
 */
function watchdog(
  call: MiseCall,
  child: Deno.ChildProcess,
): { readonly failed: Promise<never>; stop(): void } {
  const kill = killer(child);
  const { promise: failed, reject } = Promise.withResolvers<never>();
  failed.catch(() => {});
  let last: ReturnType<typeof setTimeout> | undefined;
  const end = (error: unknown): void => {
    kill("SIGTERM");
    last = setTimeout(() => kill("SIGKILL"), GRACE_MS);
    reject(error);
  };
  const timeoutMs = call.timeoutMs ?? QUESTION_TIMEOUT_MS;
  const stopTimer = timeoutMs === 0 ? () => {} : startLateTimer(timeoutMs, () =>
    end(
      new MiseOciError(
        "mise",
        `${describeCall(call.args)} did not answer in ${timeoutMs / 1000} seconds`,
        { hint: `Run it in ${JSON.stringify(call.directory)} to see what it waits for` },
      ),
    ));
  const onAbort = (): void =>
    end(call.signal?.reason ?? new MiseOciError("interrupted", "Interrupted"));
  call.signal?.addEventListener("abort", onAbort, { once: true });
  const stop = (): void => {
    stopTimer();
    call.signal?.removeEventListener("abort", onAbort);
  };
  child.status.then(() => {
    // Even to clear no timer loads what timers need, 9 ms.
    if (last !== undefined) clearTimeout(last);
  }, () => {});
  return { failed, stop };
}

/**
 * Runs mise to its end. A failing exit code is not an error here: see `explainFailure`.
 *
 * @throws {MiseOciError} `mise` if it cannot be started, takes too long or prints too much;
 * `permission` if Deno may not run it. @throws the signal's reason when aborted.
 */
export async function callMise(call: MiseCall): Promise<MiseAnswer> {
  call.signal?.throwIfAborted();
  const child = spawn(call);
  const { failed, stop } = watchdog(call, child);
  const chunks = call.onOutput === undefined ? {} : { onChunk: call.onOutput };
  const stdout = collect(child.stdout, {
    limit: MAX_ANSWER_BYTES,
    keepLast: call.onOutput !== undefined,
    ...chunks,
  });
  const stderr = collect(child.stderr, { limit: MAX_STDERR_BYTES, keepLast: true, ...chunks });
  try {
    const ended = Promise.all([stdout.bytes, stderr.bytes, child.status]);
    const [answer, said, status] = await Promise.race([ended, failed]);
    return {
      code: status.code,
      ...(status.signal === null ? {} : { killedBy: status.signal }),
      stdout: answer,
      stderr: expandMessage(new TextDecoder().decode(said), call.home),
    };
  } catch (error) {
    const tooLong = error instanceof OutputTooLong;
    killer(child)(tooLong ? "SIGKILL" : "SIGTERM");
    stdout.cancel();
    stderr.cancel();
    // Nothing of it may run on once the error is told; the watchdog sees to it that this ends.
    await child.status;
    if (!tooLong) throw error;
    throw new MiseOciError(
      "mise",
      `${describeCall(call.args)} printed more than ${MAX_ANSWER_BYTES} bytes`,
    );
  } finally {
    stop();
  }
}
