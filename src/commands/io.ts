/**
 * What a command needs of the process it runs in, so that it can run in a test as well.
 * @module
 */

/** Takes text at once; `write` returns when the text has left the process. */
export interface TextSink {
  /** Writes the whole text. @throws {Deno.errors.BrokenPipe} if the reader is gone. */
  write(text: string): void;
}

/** The surroundings of the program. */
export interface Io {
  /** Results, nothing else. */
  readonly stdout: TextSink;
  /** Progress, warnings and errors. */
  readonly stderr: TextSink;
  /** An environment variable, or `undefined`. */
  env(name: string): string | undefined;
  /** Absolute working directory. */
  cwd(): string;
  /** Whether a stream is a terminal. */
  isTerminal(stream: "stdin" | "stdout" | "stderr"): boolean;
  /** Size of the terminal in characters, or `undefined` without one. */
  size(): { readonly columns: number; readonly rows: number } | undefined;
  /** Aborted, with an `Interruption` as reason, when the user wants to stop. */
  readonly signal: AbortSignal;
}
