/**
 * Commands as data.
 * @module
 */
import type { WorkflowContext } from "../context.ts";
import type { Completes, Flag, FlagTable, FlagValues, Place } from "./flag.ts";
import type { Globals } from "./flags/global.ts";
import type { Io } from "./io.ts";
import type { Workflows } from "./workflows.ts";

/** An argument that is not a flag. */
export interface Positional {
  /** Its name in help: `REF`. */
  readonly name: string;
  /** One sentence without a final period. */
  readonly help: string;
  /** Whether it is optional. */
  readonly optional?: boolean;
  /** Whether it can be repeated; only for the last argument. */
  readonly many?: boolean;
  /** The allowed values, if limited. */
  readonly choices?: readonly string[];
  /** What shells complete; by default only the choices. */
  readonly completes?: Completes;
}

/** An example command line. */
export interface Example {
  /** One sentence without a final period. */
  readonly text: string;
  /** The command line, `mise-oci …`. */
  readonly command: string;
}

/** A flag that a command does not support. */
export interface UnknownFlag {
  /** The flag as written: `--memory` or `-m`. */
  readonly written: string;
  /** The argument that contains it: `-vm`. */
  readonly within: string;
  /** The value attached to it. */
  readonly value: string | undefined;
  /** The next argument. */
  readonly next: string | undefined;
}

/** A parsed command line. */
export interface CommandInput<F extends FlagTable = FlagTable> {
  /** The command's own flags. */
  readonly flags: FlagValues<F>;
  /** The global flags. */
  readonly globals: Globals;
  /** Names of the command's flags that were given. */
  readonly given: ReadonlySet<string>;
  /** Arguments that are not flags; at most as many as declared, unless the last can be repeated. */
  readonly positionals: readonly string[];
  /** The command line of another program, unchanged. */
  readonly trailing: readonly string[];
}

/** The result of a command: one of the two is printed on stdout, depending on `--json`. */
export interface Output {
  /**
   * Text for people; ends with a newline unless it is empty.
   *
   * @param columns Width of the terminal; without it, lines are not limited, as for files and pipes.
   */
  text(columns?: number): string;
  /** Data for programs; field names are stable. */
  json(): unknown;
}

/** What a command can use besides its input. */
export interface CommandContext extends WorkflowContext {
  /** Streams, environment and signals of the process. */
  readonly io: Io;
  /** The workflows. */
  readonly workflows: Workflows;
  /** Resolves relative paths. */
  readonly place: Place;
  /** All commands, for completions. */
  readonly commands: readonly Command[];
  /** Absolute directory of the current project, if several are given. */
  readonly project?: string;
  /** Absolute directories of all projects then. */
  readonly projects?: readonly string[];
  /** The warnings so far, for `--json`. */
  readonly warnings: readonly string[];
  /** Prints the result; called once. `stderr` if stdout carries an archive. */
  print(output: Output, stream?: "stdout" | "stderr"): void;
}

/** One command. */
export interface Command {
  /** The name on the command line. */
  readonly name: string;
  /** One line for the list of commands, without a final period. */
  readonly summary: string;
  /** Paragraphs below the summary in help. */
  readonly description?: readonly string[];
  /** The command's own flags, shared groups included. */
  readonly flags: FlagTable;
  /** Arguments in order. */
  readonly positionals: readonly Positional[];
  /**
   * The command line of another program: begins at the first word that is not an argument, or after `--`.
   */
  readonly trailing?: Positional;
  /** Returns a hint for an unknown flag, if there is a specific one. */
  readonly maybeFlagHint?: (flag: UnknownFlag) => string | undefined;
  /** Example command lines. */
  readonly examples: readonly Example[];
  /** Subcommands; a command that has them has no `run`. */
  readonly subcommands?: readonly Command[];
  /** Whether stdout belongs to something else, such as a container, which excludes `--json`. */
  readonly foreignStdout?: boolean;
  /** Whether several `-C` mean several projects, processed one after the other. */
  readonly severalProjects?: boolean;
  /** Runs the command; resolves with the exit code. */
  run?(input: CommandInput, context: CommandContext): Promise<number>;
}

/** A {@linkcode Command} whose `run` has typed flags. */
export interface CommandSpec<F extends FlagTable>
  extends Omit<Command, "flags" | "run" | "positionals"> {
  /** The command's own flags. */
  readonly flags: F;
  /** Arguments in order; none by default. */
  readonly positionals?: readonly Positional[];
  /** Runs the command; resolves with the exit code. */
  run(input: CommandInput<F>, context: CommandContext): Promise<number>;
}

/** Creates a command from its specification. */
export function defineCommand<const F extends FlagTable>(spec: CommandSpec<F>): Command {
  return {
    ...spec,
    positionals: spec.positionals ?? [],
    run: (input, context) => spec.run(input as CommandInput<F>, context),
  };
}

/** Creates a command that only has subcommands. */
export function defineCommandGroup(
  spec: Pick<Command, "name" | "summary" | "description" | "examples"> & {
    readonly subcommands: readonly Command[];
  },
): Command {
  return { ...spec, flags: {}, positionals: [] };
}

/** The flags of a table by heading, in order of appearance. */
export function groupFlags(
  flags: FlagTable,
): ReadonlyMap<string, readonly (readonly [name: string, flag: Flag<unknown>])[]> {
  const groups = new Map<string, (readonly [string, Flag<unknown>])[]>();
  for (const [name, flag] of Object.entries(flags)) {
    const group = flag.group ?? "Flags";
    groups.set(group, [...(groups.get(group) ?? []), [name, flag]]);
  }
  return groups;
}
