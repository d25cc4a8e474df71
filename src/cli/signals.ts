/**
 * Signals that end the program.
 * @module
 */
import { MiseOciError } from "../errors.ts";

/** Exit codes for signals, as in shells: 128 plus the number of the signal. */
const EXIT_CODES = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

/** A signal that asks the program to end. */
export type EndingSignal = keyof typeof EXIT_CODES;

/** The reason of the program's `AbortSignal`. */
export class Interruption extends MiseOciError {
  /** The program's exit code. */
  readonly exitCode: number;

  /** Names the signal. */
  constructor(signal: EndingSignal) {
    super("interrupted", `Interrupted by ${signal}`);
    this.exitCode = EXIT_CODES[signal];
  }
}

/** The functions of the process that {@linkcode abortOnSignals} uses. */
export interface SignalHost {
  /** Calls the handler on every such signal. */
  listen(signal: EndingSignal, handler: () => void): void;
  /** Ends the process immediately. */
  exit(code: number): void;
}

/** The process. */
const realHost: SignalHost = {
  listen: (signal, handler) => Deno.addSignalListener(signal, handler),
  exit: (code) => Deno.exit(code),
};

/**
 * An `AbortSignal` that the first SIGINT, SIGTERM or SIGHUP aborts, for a clean shutdown; the second one ends
 * the program immediately.
 */
export function abortOnSignals(host: SignalHost = realHost): AbortSignal {
  const controller = new AbortController();
  // Windows has no SIGTERM.
  const signals: readonly EndingSignal[] = Deno.build.os === "windows"
    ? ["SIGINT"]
    : ["SIGINT", "SIGTERM", "SIGHUP"];
  for (const signal of signals) {
    host.listen(signal, () => {
      const interruption = new Interruption(signal);
      if (controller.signal.aborted) host.exit(interruption.exitCode);
      else controller.abort(interruption);
    });
  }
  return controller.signal;
}
