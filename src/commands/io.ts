/**
 * The interface between commands and the process, which tests replace.
 * @module
 */

/** Writes text synchronously: `write` returns after the text has left the process. */
export interface TextSink {
  /** Writes the whole text. @throws {Deno.errors.BrokenPipe} if the reader has closed the pipe. */
  write(text: string): void;
}

/** Streams, environment and signals of the process. */
export interface Io {
  /** For results only. */
  readonly stdout: TextSink;
  /** For progress, warnings and errors. */
  readonly stderr: TextSink;
  /** The value of an environment variable. */
  env(name: string): string | undefined;
  /** Absolute working directory. */
  cwd(): string;
  /** Whether a stream is a terminal. */
  isTerminal(stream: "stdin" | "stdout" | "stderr"): boolean;
  /** Size of the terminal in characters, if there is one. */
  size(): { readonly columns: number; readonly rows: number } | undefined;
  /** Aborted with an `Interruption` when the user interrupts. */
  readonly signal: AbortSignal;
}
