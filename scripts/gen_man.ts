/**
 * Prints the man page `mise-oci.1`, made from the table of commands as docs/cli.md is.
 * @module
 */
import { flagTerm, flagText, PURPOSE, usageLine } from "../src/cli/help.ts";
import { PROGRAM, VERSION } from "../src/cli/program.ts";
import { type Command, groupFlags } from "../src/commands/command.ts";
import type { FlagTable } from "../src/commands/flag.ts";
import { GLOBAL_FLAGS } from "../src/commands/flags/global.ts";
import { COMMANDS } from "../src/commands/mod.ts";

/** Text that roff prints as it is: no escapes, no hyphens in place of dashes, no control lines. */
function plain(text: string): string {
  return text.replaceAll("\\", "\\e").replaceAll("-", "\\-").replace(/^(?=[.'])/gm, "\\&")
    .replaceAll(
      /[^\0-\x7f]/gu,
      (c) => `\\[u${c.codePointAt(0)?.toString(16).toUpperCase().padStart(4, "0")}]`,
    );
}

function bold(text: string): string {
  return `\\fB${plain(text)}\\fR`;
}

function flagLines(flags: FlagTable): readonly string[] {
  return [...groupFlags(flags)].flatMap(([group, entries]) => [
    ".PP",
    bold(`${group}:`),
    ...entries.flatMap(([name, flag]) => [
      ".TP",
      bold(flagTerm(name, flag).trim()),
      `${plain(flagText(flag))}.`,
    ]),
  ]);
}

function exampleLines(command: Command): readonly string[] {
  return command.examples.flatMap(({ text, command }) => [
    ".PP",
    `${plain(text)}:`,
    ".PP",
    ".nf",
    ".RS 4",
    plain(command),
    ".RE",
    ".fi",
  ]);
}

function commandLines(path: readonly string[], command: Command): readonly string[] {
  const args = [...command.positionals, ...(command.trailing ? [command.trailing] : [])];
  return [
    `.SS "${plain(path.join(" "))}"`,
    bold(usageLine(path, command)),
    ".PP",
    `${plain(command.summary)}.`,
    ...(command.description ?? []).flatMap((text) => [".PP", plain(text)]),
    ...args.flatMap(({ name, help }) => [".TP", bold(name), `${plain(help)}.`]),
    ...flagLines(command.flags),
    ...exampleLines(command),
    ...(command.subcommands ?? []).flatMap((below) => commandLines([...path, below.name], below)),
  ];
}

/** The whole page, in roff with the macros of man(7). */
export function manPage(commands: readonly Command[], version: string): string {
  const lines = [
    `.TH ${PROGRAM.toUpperCase().replace("-", "\\-")} 1 "" "${PROGRAM} ${version}" "User Commands"`,
    ".SH NAME",
    `${plain(PROGRAM)} \\- ${plain(PURPOSE.charAt(0).toLowerCase() + PURPOSE.slice(1))}`,
    ".SH SYNOPSIS",
    `${bold(PROGRAM)} [FLAGS] COMMAND`,
    ".SH DESCRIPTION",
    `${plain(PURPOSE)}.`,
    ".SH GLOBAL FLAGS",
    "Every command takes them, before or after its name.",
    ...flagLines(GLOBAL_FLAGS),
    ".SH COMMANDS",
    ...commands.flatMap((command) => commandLines([command.name], command)),
    ".SH EXIT STATUS",
    ...[
      ["0", "Done."],
      ["1", "Failed."],
      ["2", "Wrong usage."],
      ["129, 130, 143", "Interrupted by SIGHUP, SIGINT or SIGTERM."],
    ].flatMap(([code = "", text = ""]) => [".TP", bold(code), text]),
    ".SH SEE ALSO",
    ".BR mise (1),",
    ".BR podman (1),",
    ".BR docker (1)",
  ];
  return `${lines.join("\n")}\n`;
}

if (import.meta.main) {
  await Deno.stdout.write(new TextEncoder().encode(manPage(COMMANDS, VERSION)));
}
