/**
 * Help, made from the table of commands.
 * @module
 */
import { type Command, type Example, groupFlags, type Positional } from "../commands/command.ts";
import type { CommandGroup } from "../commands/mod.ts";
import { type Flag, type FlagTable, takesValue } from "../commands/flag.ts";
import { GLOBAL_FLAGS } from "../commands/flags/global.ts";
import type { Colors } from "../ui/color.ts";
import { wrap } from "../ui/text.ts";
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

/** From so many columns on, an explanation stands beside its term. */
const WIDE = 60;

/** A list of terms, each with its explanation next to it, or below if there is no room. */
function definitions(
  terms: readonly (readonly [term: string, text: string])[],
  columns: number,
  widest = Math.max(...terms.map(([term]) => term.length)),
): readonly string[] {
  const left = columns < WIDE ? 8 : Math.min(30, widest) + 4;
  const indent = " ".repeat(left);
  return terms.flatMap(([term, text]) => {
    const lines = wrap(text, columns - left);
    const first = `  ${term}`;
    const before = /^ */.exec(first)?.[0] ?? "";
    return first.length + 2 <= left
      ? [first.padEnd(left) + lines[0], ...lines.slice(1).map((line) => indent + line)]
      : [
        ...indented(term.trimStart(), { columns, indent: before }),
        ...lines.map((line) => indent + line),
      ];
  });
}

/** A text in lines that begin with the same. */
function indented(
  text: string,
  { columns, indent }: { readonly columns: number; readonly indent: string },
): readonly string[] {
  return wrap(text, columns - indent.length).map((line) => indent + line);
}

/** A command line for a shell: what does not fit goes on in the next line, divided between its words. */
function commandLines(command: string, columns: number): readonly string[] {
  const words = command.match(/(?:"[^"]*"|'[^']*'|[^\s"'])+/g) ?? [];
  const lines: string[] = [];
  let line = " ";
  for (const word of words) {
    if (line.trim() !== "" && line.length + word.length + 3 > columns) {
      lines.push(`${line} \\`);
      line = "   ";
    }
    line += ` ${word}`;
  }
  return [...lines, line];
}

function exampleLines(examples: readonly Example[], columns: number): readonly string[] {
  return examples.flatMap(({ text, command }) => [
    ...indented(text, { columns, indent: "  # " }),
    ...commandLines(command, columns),
  ]);
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
function globalFlagsOf(command: Command | undefined): FlagTable {
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

function commandList(
  commands: readonly Command[],
  options: HelpOptions,
  { title, widest }: { readonly title: string; readonly widest?: number } = { title: "Commands" },
): readonly string[] {
  return [
    "",
    options.colors.bold(`${title}:`),
    ...definitions(commands.map(({ name, summary }) => [name, summary]), options.columns, widest),
  ];
}

/** Help for the whole program. */
export function programHelp(groups: readonly CommandGroup[], options: HelpOptions): string {
  const { bold } = options.colors;
  const [first] = groups;
  const widest = Math.max(
    ...groups.flatMap(({ commands }) => commands.map(({ name }) => name.length)),
  );
  const examples = first?.commands.flatMap(({ examples }) => examples.slice(0, 1)) ?? [];
  const lines = [
    ...wrap(`${PURPOSE}.`, options.columns),
    "",
    `${bold("Usage:")} ${PROGRAM} [FLAGS] COMMAND`,
    ...groups.flatMap(({ title, commands }) => commandList(commands, options, { title, widest })),
    ...flagSections(GLOBAL_FLAGS, options),
    "",
    bold("Examples:"),
    ...exampleLines(examples, options.columns),
    "",
    ...wrap(`Run ${PROGRAM} COMMAND --help for the flags of a command.`, options.columns),
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
    ...wrap(`Usage: ${usageLine(path, command)}`, options.columns)
      .map((line, at) => at === 0 ? line.replace("Usage:", bold("Usage:")) : `  ${line}`),
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
      ...exampleLines(command.examples, options.columns),
    ]),
  ];
  return `${lines.join("\n")}\n`;
}
