/**
 * Help, made from the table of commands.
 * @module
 */
import { type Command, groupFlags, type Positional } from "../commands/command.ts";
import { type Flag, type FlagTable, takesValue } from "../commands/flag.ts";
import { GLOBAL_FLAGS } from "../commands/flags/global.ts";
import type { Colors } from "../ui/color.ts";
import { PROGRAM } from "./program.ts";

/** How help is drawn. */
export interface HelpOptions {
  /** Maximum width of a line in columns. */
  readonly columns: number;
  /** Colours of headings. */
  readonly colors: Pick<Colors, "bold">;
}

/** A description of the program in one sentence. */
export const PURPOSE =
  "Turns a mise.toml into an OCI image with one layer per tool, and runs or pushes it";

/** Wraps words into lines of limited width. */
function wrap(text: string, columns: number): readonly string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > columns) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

/** A list of terms, each with its explanation next to it, or below if there is no room. */
function definitions(
  terms: readonly (readonly [term: string, text: string])[],
  columns: number,
): readonly string[] {
  const left = Math.min(30, Math.max(...terms.map(([term]) => term.length))) + 4;
  return terms.flatMap(([term, text]) => {
    const lines = wrap(text, Math.max(24, columns - left));
    const first = `  ${term}`;
    const fits = first.length + 2 <= left;
    const indent = " ".repeat(left);
    return fits
      ? [first.padEnd(left) + lines[0], ...lines.slice(1).map((line) => indent + line)]
      : [first, ...lines.map((line) => indent + line)];
  });
}

/** `-o, --output DIR`. */
export function flagTerm(name: string, flag: Flag<unknown>): string {
  const short = flag.short === undefined ? "    " : `-${flag.short}, `;
  return `${short}--${name}${takesValue(flag) ? ` ${flag.valueName ?? "VALUE"}` : ""}`;
}

/** The explanation of a flag with its default, and whether it repeats. */
export function flagText(flag: Flag<unknown>): string {
  const notes = [
    ...(flag.kind === "list" ? ["repeatable"] : []),
    ...(flag.defaultText === undefined ? [] : [`default: ${flag.defaultText}`]),
    ...(flag.env === undefined ? [] : [`environment: ${flag.env}`]),
  ];
  return notes.length === 0 ? flag.help : `${flag.help} (${notes.join("; ")})`;
}

/** Global flags that a flag of the command hides are shown only by their letter. */
export function globalFlagsOf(command: Command | undefined): FlagTable {
  const own = command?.flags ?? {};
  return Object.fromEntries(Object.entries(GLOBAL_FLAGS).filter(([name]) => !(name in own)));
}

function positionalText({ name, optional, many }: Positional): string {
  const text = many ? `${name}...` : name;
  return optional ? `[${text}]` : text;
}

/** `mise-oci push [FLAGS] REF`. */
export function usageLine(path: readonly string[], command: Command): string {
  const words = [
    PROGRAM,
    ...path,
    "[FLAGS]",
    ...(command.subcommands === undefined ? [] : ["COMMAND"]),
    ...command.positionals.map(positionalText),
    ...(command.trailing === undefined ? [] : [`[${command.trailing.name}...]`]),
  ];
  return words.join(" ");
}

function flagSections(flags: FlagTable, options: HelpOptions): readonly string[] {
  return [...groupFlags(flags)].flatMap(([group, entries]) => [
    "",
    options.colors.bold(`${group}:`),
    ...definitions(
      entries.map(([name, flag]) => [flagTerm(name, flag), flagText(flag)]),
      options.columns,
    ),
  ]);
}

function commandList(commands: readonly Command[], options: HelpOptions): readonly string[] {
  return [
    "",
    options.colors.bold("Commands:"),
    ...definitions(commands.map(({ name, summary }) => [name, summary]), options.columns),
  ];
}

/** Help for the whole program. */
export function programHelp(commands: readonly Command[], options: HelpOptions): string {
  const { bold } = options.colors;
  const lines = [
    ...wrap(`${PURPOSE}.`, options.columns),
    "",
    `${bold("Usage:")} ${PROGRAM} [FLAGS] COMMAND`,
    ...commandList(commands, options),
    ...flagSections(GLOBAL_FLAGS, options),
    "",
    bold("Examples:"),
    ...commands.flatMap(({ examples }) => examples.slice(0, 1)).flatMap((example) => [
      `  # ${example.text}`,
      `  ${example.command}`,
    ]),
    "",
    `Run ${PROGRAM} COMMAND --help for the flags of a command.`,
  ];
  return `${lines.join("\n")}\n`;
}

export function commandHelp(
  path: readonly string[],
  command: Command,
  options: HelpOptions,
): string {
  const { bold } = options.colors;
  const args = [...command.positionals, ...(command.trailing ? [command.trailing] : [])];
  const shadowed = "env" in command.flags;
  const lines = [
    ...wrap(`${command.summary}.`, options.columns),
    ...(command.description ?? []).flatMap((text) => ["", ...wrap(text, options.columns)]),
    "",
    `${bold("Usage:")} ${usageLine(path, command)}`,
    ...(command.subcommands === undefined ? [] : commandList(command.subcommands, options)),
    ...(args.length === 0 ? [] : [
      "",
      bold("Arguments:"),
      ...definitions(args.map(({ name, help }) => [name, help]), options.columns),
    ]),
    ...flagSections(command.flags, options),
    ...flagSections(globalFlagsOf(command), options),
    ...(shadowed ? definitions([["-E ENV", GLOBAL_FLAGS.env.help]], options.columns) : []),
    ...(command.examples.length === 0 ? [] : [
      "",
      bold("Examples:"),
      ...command.examples.flatMap(({ text, command }) => [`  # ${text}`, `  ${command}`]),
    ]),
  ];
  return `${lines.join("\n")}\n`;
}
