/**
 * Signals that end the program.
 * @module
 */
import { MiseOciError } from "../errors.ts";

/** Exit code of a program that a signal ended, as shells count: 128 and the signal's number. */
const EXIT_CODES = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

/** A signal that asks the program to end. */
export type EndingSignal = keyof typeof EXIT_CODES;

/** Why everything stops: the reason of the program's `AbortSignal`. */
export class Interruption extends MiseOciError {
  /** The program's exit code. */
  readonly exitCode: number;

  /** Names the signal. */
  constructor(signal: EndingSignal) {
    super("interrupted", `Interrupted by ${signal}`);
    this.exitCode = EXIT_CODES[signal];
  }
}

/** What {@linkcode abortOnSignals} needs of the process. */
export interface SignalHost {
  /** Calls the handler on every such signal. */
  listen(signal: EndingSignal, handler: () => void): void;
  /** Ends the process at once. */
  exit(code: number): void;
}

/** The process. */
const realHost: SignalHost = {
  listen: (signal, handler) => Deno.addSignalListener(signal, handler),
  exit: (code) => Deno.exit(code),
};

/**
 * A signal that is aborted by the first SIGINT, SIGTERM or SIGHUP, for an orderly end; the second one
 * ends the program at once.
 */
export function abortOnSignals(host: SignalHost = realHost): AbortSignal {
  const controller = new AbortController();
  // Windows knows no SIGTERM.
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
