/**
 * docs/cli.md, made from the table of commands.
 * @module
 */
import { type Command, groupFlags } from "../commands/command.ts";
import { type Flag, type FlagTable, takesValue } from "../commands/flag.ts";
import { GLOBAL_FLAGS } from "../commands/flags/global.ts";
import { flagText, PURPOSE, usageLine } from "./help.ts";
import { PROGRAM } from "./program.ts";

/** Text of a table's cell. */
function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("<", "&lt;");
}

function flagRow(name: string, flag: Flag<unknown>): string {
  const value = takesValue(flag) ? ` ${flag.valueName ?? "VALUE"}` : "";
  const spellings = [
    ...(flag.short === undefined ? [] : [`\`-${flag.short}\``]),
    `\`${`--${name}${value}`.replaceAll("|", "\\|")}\``,
  ];
  return `| ${spellings.join(", ")} | ${cell(flagText(flag))} |`;
}

function flagTables(flags: FlagTable): readonly string[] {
  return [...groupFlags(flags)].flatMap(([group, entries]) => [
    "",
    `| ${group} | |`,
    "| --- | --- |",
    ...entries.map(([name, flag]) => flagRow(name, flag)),
  ]);
}

function commandSection(path: readonly string[], command: Command): readonly string[] {
  const args = [...command.positionals, ...(command.trailing ? [command.trailing] : [])];
  return [
    "",
    `${"#".repeat(path.length + 1)} ${PROGRAM} ${path.join(" ")}`,
    "",
    `${command.summary}.`,
    ...(command.description ?? []).flatMap((text) => ["", cell(text)]),
    "",
    "```",
    usageLine(path, command),
    "```",
    ...(args.length === 0
      ? []
      : ["", ...args.map(({ name, help }) => `- \`${name}\`: ${cell(help)}`)]),
    ...flagTables(command.flags),
    ...command.examples.flatMap(({ text, command }) => [
      "",
      `${text}:`,
      "",
      "```sh",
      command,
      "```",
    ]),
    ...(command.subcommands ?? []).flatMap((below) => commandSection([...path, below.name], below)),
  ];
}

/** The whole document. */
export function cliDocument(commands: readonly Command[]): string {
  const lines = [
    "<!-- Made by scripts/gen_cli_docs.ts from the table of commands; do not edit. -->",
    "",
    `# ${PROGRAM} on the command line`,
    "",
    `${PURPOSE}.`,
    "",
    "| command | |",
    "| --- | --- |",
    ...commands.map(({ name, summary }) => `| [\`${name}\`](#${PROGRAM}-${name}) | ${summary} |`),
    "",
    "## Global flags",
    "",
    "Every command takes them, before or after its name. A flag of a command goes before a global one",
    "of the same name; the global one keeps its letter.",
    ...flagTables(GLOBAL_FLAGS),
    "",
    "## How a command line is read",
    "",
    "- `-it` is `-i -t`; `-j4`, `-j=4`, `-j 4`, `--jobs 4` and `--jobs=4` are the same.",
    "- Of a flag given twice the last one counts, unless it is repeatable.",
    "- A value may begin with a dash. If it looks like a flag of the command, write `--flag=value`.",
    "- What follows `--` is not read: it is the command to run, or arguments.",
    "- Relative paths start in the working directory, or in that of `--cd`.",
    "- Sizes are in powers of 1000 (`kB`, `MB`, `GB`), as registries and docker count; `KiB`, `MiB` and",
    "  `GiB` are understood too. Times are `90s`, `30m`, `12h`, `7d`, `2w`.",
    "",
    "## Output",
    "",
    "Results go to stdout; progress, warnings and errors to stderr. On a terminal digests are shortened;",
    "elsewhere they are whole.",
    "",
    "With `--json` stdout gets exactly one JSON object, the result or, if the command fails,",
    '`{"error": {"code", "message", "hint"}}`; stderr gets the same as without. Names of fields and codes',
    "stay as they are; new ones may be added. [All fields](json.md).",
    "",
    "| exit code | |",
    "| --- | --- |",
    "| 0 | done |",
    "| 1 | failed |",
    "| 2 | wrong usage |",
    "| 129, 130, 143 | interrupted by SIGHUP, SIGINT or SIGTERM; a second signal ends it at once |",
    ...commands.flatMap((command) => commandSection([command.name], command)),
  ];
  return `${lines.join("\n")}\n`;
}
