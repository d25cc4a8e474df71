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
  /** Whether it can be left out. */
  readonly optional?: boolean;
  /** Whether more of the same may follow; of the last argument only. */
  readonly many?: boolean;
  /** The only values there are. */
  readonly choices?: readonly string[];
  /** What a shell offers; default nothing but the choices. */
  readonly completes?: Completes;
}

/** A command line to try, and what it is for. */
export interface Example {
  /** One sentence without a final period. */
  readonly text: string;
  /** The command line, `mise-oci …`. */
  readonly command: string;
}

/** A flag that a command does not have. */
export interface UnknownFlag {
  /** `--memory` or `-m`. */
  readonly written: string;
  /** The argument that it was found in: `-vm`. */
  readonly within: string;
  /** The value that was attached to it. */
  readonly value: string | undefined;
  /** The argument after it. */
  readonly next: string | undefined;
}

/** A command line that was parsed. */
export interface CommandInput<F extends FlagTable = FlagTable> {
  /** The command's own flags. */
  readonly flags: FlagValues<F>;
  /** The global flags. */
  readonly globals: Globals;
  /** Names of the command's flags that were given. */
  readonly given: ReadonlySet<string>;
  /** Arguments that are not flags, as many as the command declares at most, unless the last may be many. */
  readonly positionals: readonly string[];
  /** The command line of something else, untouched. */
  readonly trailing: readonly string[];
}

/** What a command prints on stdout: one of the two, by `--json`. */
export interface Output {
  /**
   * For people; ends with a newline unless it is empty.
   *
   * @param columns Columns of the terminal that it is for; absent: no limit, as for a file or another program.
   */
  text(columns?: number): string;
  /** For programs; field names are a promise. */
  json(): unknown;
}

/** What a command may use. */
export interface CommandContext extends WorkflowContext {
  /** The process. */
  readonly io: Io;
  /** The workflows. */
  readonly workflows: Workflows;
  /** Where relative paths start. */
  readonly place: Place;
  /** All commands, for completions. */
  readonly commands: readonly Command[];
  /** Absolute directory of the project, if the command is given several. */
  readonly project?: string;
  /** Absolute directories of all projects then. */
  readonly projects?: readonly string[];
  /** The warnings so far, as `--json` has them. */
  readonly warnings: readonly string[];
  /** Prints the result; called once. On stderr, if stdout is that of an archive. */
  print(output: Output, stream?: "stdout" | "stderr"): void;
}

/** One command. */
export interface Command {
  /** What is typed. */
  readonly name: string;
  /** One line for the list of commands, without a final period. */
  readonly summary: string;
  /** Paragraphs below the summary in help. */
  readonly description?: readonly string[];
  /** The command's own flags, shared groups included. */
  readonly flags: FlagTable;
  /** Arguments in order. */
  readonly positionals: readonly Positional[];
  /** The command line of something else that may follow: it begins with the first word that is no argument, or after `--`. */
  readonly trailing?: Positional;
  /** What to do instead of giving a flag that the command does not have, if that is known. */
  readonly maybeFlagHint?: (flag: UnknownFlag) => string | undefined;
  /** Command lines to try. */
  readonly examples: readonly Example[];
  /** Commands below this one; then there is no `run`. */
  readonly subcommands?: readonly Command[];
  /** Whether stdout belongs to something else (a container), so that there can be no `--json`. */
  readonly foreignStdout?: boolean;
  /** Whether several `-C` mean several projects, done one after the other. */
  readonly severalProjects?: boolean;
  /** Does it; resolves with the exit code. */
  run?(input: CommandInput, context: CommandContext): Promise<number>;
}

/** A {@linkcode Command} whose `run` knows the types of its flags. */
export interface CommandSpec<F extends FlagTable>
  extends Omit<Command, "flags" | "run" | "positionals"> {
  /** The command's own flags. */
  readonly flags: F;
  /** Arguments in order; default none. */
  readonly positionals?: readonly Positional[];
  /** Does it. */
  run(input: CommandInput<F>, context: CommandContext): Promise<number>;
}

/** Makes a command of its table. */
export function defineCommand<const F extends FlagTable>(spec: CommandSpec<F>): Command {
  return {
    ...spec,
    positionals: spec.positionals ?? [],
    run: (input, context) => spec.run(input as CommandInput<F>, context),
  };
}

/** Makes a command that only holds others. */
export function defineCommandGroup(
  spec: Pick<Command, "name" | "summary" | "description" | "examples"> & {
    readonly subcommands: readonly Command[];
  },
): Command {
  return { ...spec, flags: {}, positionals: [] };
}

/** The flags of a table under their headings, in order of appearance. */
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
