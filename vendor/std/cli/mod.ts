/**
 * Typed stand-in for `jsr:@std/cli`, used through `links` where JSR cannot be reached.
 * @module
 */
import * as cli from "npm:deno-std@1.4.0/cli/mod.js";

/** Options of {@linkcode parseArgs}; the subset this project uses. */
export interface ParseOptions {
  /** Flags that never take a value. */
  boolean?: readonly string[];
  /** Flags that take a string value. */
  string?: readonly string[];
  /** Flags that may be given more than once; their values come as an array. */
  collect?: readonly string[];
  /** Long name to short name(s). */
  alias?: Readonly<Record<string, string | readonly string[]>>;
  /** Flags that can be switched off with `--no-NAME`. */
  negatable?: readonly string[];
  /** Puts everything after `--` in the result's `"--"`. */
  "--"?: boolean;
  /** Stops parsing at the first positional argument. */
  stopEarly?: boolean;
  /** Called for every flag that is not declared. */
  unknown?: (arg: string, key?: string, value?: unknown) => unknown;
}

/** The result of {@linkcode parseArgs}. */
export interface Args {
  /** Positional arguments. */
  _: (string | number)[];
  /** Arguments after `--`. */
  "--"?: string[];
  /** Flag values. */
  [flag: string]: unknown;
}
type Cli = {
  parseArgs(args: readonly string[], options?: ParseOptions): Args;
  unicodeWidth(text: string): number;
};
const impl = cli as unknown as Cli;

/** Parses command line arguments. */
export const parseArgs: (args: readonly string[], options?: ParseOptions) => Args = impl.parseArgs;
/** Columns a text takes on a terminal. */
export const unicodeWidth: (text: string) => number = impl.unicodeWidth;
