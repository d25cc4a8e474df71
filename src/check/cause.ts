/**
 * Why a program does not start.
 * @module
 */

/** A cause; paths are those of the image. */
export type Cause =
  /** A library that no directory of the loader has. */
  | {
    readonly type: "missing-library";
    readonly library: string;
    readonly file: string;
    /** Where a file of that name is, outside of what the loader searches. */
    readonly elsewhere?: string;
  }
  /** A symbol version that the library found does not have. */
  | {
    readonly type: "missing-version";
    readonly version: string;
    readonly library: string;
    readonly file: string;
  }
  /** The loader that a program names. */
  | { readonly type: "missing-loader"; readonly loader: string; readonly file: string }
  /** The program in a `#!` line. */
  | { readonly type: "missing-interpreter"; readonly interpreter: string; readonly file: string }
  /** The command that `env` in a `#!` line is to find. */
  | { readonly type: "missing-command"; readonly command: string; readonly file: string }
  /** The entrypoint or command of the image. */
  | { readonly type: "missing-entrypoint"; readonly command: string; readonly field: string }
  | {
    readonly type: "wrong-architecture";
    readonly file: string;
    readonly found: string;
    readonly expected: string;
  }
  | { readonly type: "wrong-system"; readonly file: string; readonly found: string }
  /** A file that cannot be what it is used for; `reason` continues a sentence. */
  | { readonly type: "malformed"; readonly file: string; readonly reason: string }
  | { readonly type: "not-executable"; readonly file: string }
  | { readonly type: "dangling-link"; readonly file: string; readonly target: string }
  /** Scripts that name each other as interpreters. */
  | { readonly type: "endless-scripts"; readonly file: string };

/** Whether two causes are the same: what is missing counts, not who finds it missing. */
export function causeKey(cause: Cause): string {
  switch (cause.type) {
    case "missing-library":
      return `${cause.type} ${cause.library}`;
    case "missing-version":
      return `${cause.type} ${cause.library} ${cause.version}`;
    case "missing-loader":
      return `${cause.type} ${cause.loader}`;
    case "missing-interpreter":
      return `${cause.type} ${cause.interpreter}`;
    case "missing-command":
    case "missing-entrypoint":
      return `${cause.type} ${cause.command}`;
    default:
      return `${cause.type} ${cause.file}`;
  }
}
