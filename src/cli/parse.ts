/**
 * Parses command lines with the table of commands.
 *
 * The kind of every flag is known before its value is read, so nothing is guessed: `-e -A=b`, `-e-A=b` and
 * `--env=-A=b` all give `-A=b`, an empty value is a value, and arguments after `--` are not parsed
 * (docs/decisions/command-line.md explains why `parseArgs` of `@std/cli` is not used).
 * @module
 */
import type { Command, CommandInput } from "../commands/command.ts";
import { type Flag, type FlagTable, type Place, takesValue } from "../commands/flag.ts";
import { GLOBAL_FLAGS, type Globals } from "../commands/flags/global.ts";
import { maybeArgumentHint, maybeCommandHint, maybeFlagHint } from "../commands/flags/docker.ts";
import { MiseOciError } from "../errors.ts";
import { nearest } from "../suggest.ts";
import { usageLine } from "./help.ts";
import { PROGRAM } from "./program.ts";

/** The values of flags, by name, in order; `true` or `false` for switches. */
type Given = Map<string, string[]>;

/** A parsed command line; values are still text. */
export interface ParsedLine {
  /** The command, the last one if they are nested; absent if none was named. */
  readonly command: Command | undefined;
  /** Its name, preceded by those of its parents: `["cache", "ls"]`. */
  readonly path: readonly string[];
  /** Global flags. */
  readonly globals: Given;
  /** The command's own flags. */
  readonly flags: Given;
  /** Arguments that are not flags. */
  readonly positionals: readonly string[];
  /**
   * The command line of another program: the words after `--`, or from the first word that is not an
   * argument.
   */
  readonly trailing: readonly string[];
}

/** A flag with its position. */
interface Found {
  readonly name: string;
  readonly flag: Flag<unknown>;
  readonly into: Given;
}

function usage(message: string, path: readonly string[], hint?: string): MiseOciError {
  const help = `Run ${[PROGRAM, ...path].join(" ")} --help for all flags and commands`;
  return new MiseOciError("usage", message, { hint: hint ?? help });
}

class LineParser {
  command: Command | undefined;
  readonly path: string[] = [];
  readonly globals: Given = new Map();
  readonly flags: Given = new Map();
  readonly positionals: string[] = [];
  trailing: readonly string[] = [];
  readonly #args: readonly string[];
  readonly #commands: readonly Command[];
  #at = 0;

  constructor(args: readonly string[], commands: readonly Command[]) {
    this.#args = args;
    this.#commands = commands;
  }

  parse(): ParsedLine {
    while (this.#at < this.#args.length) {
      const arg = this.#args[this.#at++] ?? "";
      if (arg === "--") {
        this.trailing = this.#args.slice(this.#at);
        break;
      }
      if (arg.startsWith("--")) this.#long(arg);
      else if (arg.startsWith("-") && arg !== "-") this.#cluster(arg);
      else this.#word(arg);
    }
    return this;
  }

  /** Words are names of commands until a command without subcommands is reached. */
  #word(word: string): void {
    const choices = this.command === undefined ? this.#commands : this.command.subcommands;
    if (choices === undefined) {
      const { positionals, trailing } = this.command ?? {};
      if (trailing === undefined || this.positionals.length < (positionals?.length ?? 0)) {
        this.positionals.push(word);
        return;
      }
      // As in docker: the flags after it belong to that program, with or without a `--` before it.
      this.trailing = this.#args.slice(this.#at - 1);
      this.#at = this.#args.length;
      return;
    }
    const command = choices.find(({ name }) => name === word);
    if (command === undefined) {
      const near = nearest(word, choices.map(({ name }) => name));
      throw usage(
        `Unknown command ${JSON.stringify([...this.path, word].join(" "))}`,
        this.path,
        maybeCommandHint(this.path, word) ??
          (near && `Did you mean ${[PROGRAM, ...this.path, near].join(" ")}?`),
      );
    }
    this.command = command;
    this.path.push(word);
  }

  /** The command's own flags take precedence over global ones of the same name. */
  #find(matches: (name: string, flag: Flag<unknown>) => boolean): Found | undefined {
    const tables: readonly (readonly [FlagTable, Given])[] = [
      [this.command?.flags ?? {}, this.flags],
      [GLOBAL_FLAGS, this.globals],
    ];
    for (const [table, into] of tables) {
      for (const [name, flag] of Object.entries(table)) {
        if (matches(name, flag)) return { name, flag, into };
      }
    }
    return undefined;
  }

  #long(arg: string): void {
    const equals = arg.indexOf("=");
    const name = arg.slice(2, equals < 0 ? undefined : equals);
    const found = this.#find((known) => known === name);
    const attached = equals < 0 ? undefined : arg.slice(equals + 1);
    if (found === undefined) throw this.#unknown(`--${name}`, { value: attached });
    if (takesValue(found.flag)) {
      give(found, attached ?? this.#nextValue(`--${name}`, found));
      return;
    }
    if (attached !== undefined && attached !== "true" && attached !== "false") {
      throw usage(`Flag "--${name}" takes no value`, this.path, `Write --${name} alone`);
    }
    give(found, attached ?? "true");
  }

  /** `-it`, `-j4`, `-j=4`, `-eNAME=VALUE`. */
  #cluster(arg: string): void {
    for (let at = 1; at < arg.length; at++) {
      const short = arg[at] ?? "";
      const found = this.#find((_, flag) => flag.short === short);
      if (found === undefined) {
        throw this.#unknown(`-${short}`, { within: arg, value: arg.slice(at + 1) || undefined });
      }
      if (takesValue(found.flag)) {
        const rest = arg.slice(at + 1);
        const attached = rest.startsWith("=") ? rest.slice(1) : rest;
        give(found, rest === "" ? this.#nextValue(`-${short}`, found) : attached);
        return;
      }
      give(found, "true");
    }
  }

  /** The next argument, even if it begins with a dash, unless it is clearly another flag or `--`. */
  #nextValue(written: string, found: Found): string {
    const next = this.#args[this.#at];
    const isFlag = !found.flag.foreign && next?.startsWith("--") &&
      this.#find((name) => next === `--${name}` || next.startsWith(`--${name}=`)) !== undefined;
    if (next === undefined || next === "--" || isFlag) {
      const value = found.flag.valueName ?? "VALUE";
      throw usage(
        `Flag "${written}" needs a value`,
        this.path,
        isFlag ? `Write --${found.name}=${next} if that is the value` : `Write ${written} ${value}`,
      );
    }
    this.#at++;
    return next;
  }

  #unknown(
    written: string,
    { within = written, value }: { readonly within?: string; readonly value?: string | undefined },
  ): MiseOciError {
    const where = this.path.length === 0 ? PROGRAM : [PROGRAM, ...this.path].join(" ");
    const names = [...Object.keys(this.command?.flags ?? {}), ...Object.keys(GLOBAL_FLAGS)];
    const near = written.startsWith("--")
      ? nearest(written, names.map((name) => `--${name}`))
      : undefined;
    const inside = within === written ? "" : ` in ${JSON.stringify(within)}`;
    const next = this.#args[this.#at];
    const flag = { written, within, value, next };
    const known = this.command?.maybeFlagHint?.(flag) ??
      (this.command === undefined ? undefined : maybeFlagHint(flag));
    return usage(
      `Unknown flag ${JSON.stringify(written)}${inside} of ${where}`,
      this.path,
      known !== undefined
        ? known
        : near === undefined
        ? this.#elsewhere(written)
        : `Did you mean ${near}? Run ${where} --help for all flags`,
    );
  }

  /** The most likely mistake: a flag of a command comes before the command's name. */
  #elsewhere(written: string): string | undefined {
    if (this.command !== undefined) return undefined;
    const owner = this.#commands.find(({ flags }) =>
      Object.entries(flags).some(([name, flag]) =>
        `--${name}` === written || `-${flag.short}` === written
      )
    );
    return owner && `Write it after the command: ${PROGRAM} ${owner.name} ${written}`;
  }
}

function give({ name, into }: Found, value: string): void {
  into.set(name, [...(into.get(name) ?? []), value]);
}

/**
 * Parses a command line. Does not validate values yet: `--help` must work together with a wrong value.
 *
 * @throws {MiseOciError} `usage` for an unknown flag or command, with a suggestion, or a missing value.
 */
export function parseLine(args: readonly string[], commands: readonly Command[]): ParsedLine {
  return new LineParser(args, commands).parse();
}

/** The arguments of this program, without the command line of another program at the end. */
export function ownArguments(
  args: readonly string[],
  commands: readonly Command[],
): readonly string[] {
  try {
    return args.slice(0, args.length - parseLine(args, commands).trailing.length);
  } catch (error) {
    if (!(error instanceof MiseOciError)) throw error;
    // If the line is wrong, the rest cannot be interpreted.
    const end = args.indexOf("--");
    return end < 0 ? args : args.slice(0, end);
  }
}

/** Context for the values of flags. */
export interface ConvertOptions {
  /** Environment variables that provide values of flags. */
  readonly env: (name: string) => string | undefined;
  /** Directory for relative paths. */
  readonly place: Place;
}

function convertFlags(table: FlagTable, given: Given, options: ConvertOptions): unknown {
  return Object.fromEntries(
    Object.entries(table).map(([name, flag]) => {
      const fromEnv = flag.env === undefined || given.has(name) ? "" : options.env(flag.env) ?? "";
      const texts = given.get(name) ?? (fromEnv === "" ? [] : [fromEnv]);
      try {
        return [name, flag.convert(texts, options.place)];
      } catch (error) {
        throw given.has(name) ? inFlag(`--${name}`, error) : inFlag(`$${flag.env}`, error);
      }
    }),
  );
}

/** An invalid value is always a usage error, regardless of the code of the parser's error. */
function inFlag(where: string, error: unknown): unknown {
  if (!(error instanceof MiseOciError)) return error;
  return new MiseOciError("usage", `${where}: ${error.message}`, {
    cause: error,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
  });
}

/** The values of the global flags. @throws {MiseOciError} `usage`. */
export function convertGlobals(line: ParsedLine, options: ConvertOptions): Globals {
  return convertFlags(GLOBAL_FLAGS, line.globals, options) as Globals;
}

/**
 * The input of the command that a line names, with every value converted.
 *
 * @throws {MiseOciError} `usage` for a value that cannot be used, or too few or too many arguments.
 */
export function convertInput(
  line: ParsedLine & { readonly command: Command },
  options: ConvertOptions & { readonly globals: Globals },
): CommandInput {
  const { command, path } = line;
  const positionals = command.trailing === undefined
    ? [...line.positionals, ...line.trailing]
    : line.positionals;
  const extra = positionals[command.positionals.length];
  if (extra !== undefined && command.positionals.at(-1)?.many !== true) {
    throw usage(
      `Unexpected argument ${JSON.stringify(extra)}`,
      path,
      maybeArgumentHint(path, extra) ?? `Write ${usageLine(path, command)}`,
    );
  }
  for (const [at, { name, help, optional, choices }] of command.positionals.entries()) {
    const value = positionals[at];
    if (value === undefined && !optional) {
      const what = choices?.join(", ") ?? help.charAt(0).toLowerCase() + help.slice(1);
      throw usage(
        `Missing argument ${name}`,
        path,
        `Write ${usageLine(path, command)} (${name}: ${what})`,
      );
    }
    if (value !== undefined && choices !== undefined && !choices.includes(value)) {
      const near = nearest(value, choices);
      throw usage(
        `Unknown ${name} ${JSON.stringify(value)}`,
        path,
        near ? `Did you mean ${near}?` : `Choose one of ${choices.join(", ")}`,
      );
    }
  }
  return {
    flags: convertFlags(command.flags, line.flags, options) as CommandInput["flags"],
    globals: options.globals,
    given: new Set(line.flags.keys()),
    positionals,
    trailing: command.trailing === undefined ? [] : line.trailing,
  };
}
