import { assertEquals, assertStringIncludes } from "@std/assert";
import type { Command } from "../commands/command.ts";
import { completionScript, SHELLS } from "../commands/completion.ts";
import { takesValue } from "../commands/flag.ts";
import { GLOBAL_FLAGS } from "../commands/flags/global.ts";
import { load } from "../commands/load.ts";
import { COMMANDS } from "../commands/mod.ts";
import { push } from "../commands/push.ts";
import { runCommand } from "../commands/run.ts";
import { runFake } from "../../tests/support/cli_fixture.ts";
import { cliDocument } from "./markdown.ts";

/** The table, and those that are ready but may not be in it yet. */
const commands = [...new Set([...COMMANDS, push, runCommand, load])];

function leaves(list: readonly Command[], path: readonly string[] = []): [string[], Command][] {
  return list.flatMap((command): [string[], Command][] => {
    const here = [...path, command.name];
    return command.subcommands === undefined
      ? [[here, command]]
      : leaves(command.subcommands, here);
  });
}

Deno.test("docs/cli.md is what the table of commands gives", async () => {
  const file = new URL("../../docs/cli.md", import.meta.url);
  assertEquals(await Deno.readTextFile(file), cliDocument(COMMANDS));
});

Deno.test("every flag of every command is in its help, in docs/cli.md and in the completions", async () => {
  const document = cliDocument(commands);
  const [bash = "", zsh = "", fish = ""] = SHELLS.map((shell) => completionScript(shell, commands));
  const scripts = { bash, zsh, fish };
  let flags = 0;
  for (const [path, command] of leaves(commands)) {
    const { stdout: help } = await runFake([...path, "--help"], { commands });
    for (const [name, flag] of Object.entries({ ...GLOBAL_FLAGS, ...command.flags })) {
      flags++;
      const short = flag.short === undefined ? "    " : `-${flag.short}, `;
      const value = takesValue(flag) ? ` ${flag.valueName}` : "";
      assertStringIncludes(help, `  ${short}--${name}${value}`);
      assertStringIncludes(document, `\`--${name}${value.replaceAll("|", "\\|")}\``);
      assertStringIncludes(scripts.bash, `--${name}`);
      assertStringIncludes(scripts.zsh, `--${name}${takesValue(flag) ? "=" : ""}`);
      assertStringIncludes(scripts.fish, ` -l ${name} `);
    }
    const lines = help.replace(/ \\\n +/g, " ");
    for (const { command: line } of command.examples) assertStringIncludes(lines, line);
  }
  assertEquals(flags > 100, true);
});

Deno.test("no two flags of a command have the same letter, and texts follow one grammar", () => {
  for (const [path, command] of leaves(commands)) {
    const own = Object.entries(command.flags);
    const all = [...own, ...Object.entries(GLOBAL_FLAGS)];
    const letters = all.map(([, { short }]) => short).filter((short) => short !== undefined);
    assertEquals(letters.length, new Set(letters).size, path.join(" "));
    for (const [name, { help, short }] of all) {
      assertEquals(/^[A-Z-].*[^.]$/.test(help), true, `${name}: ${help}`);
      assertEquals(/^[a-z][a-z-]*$/.test(name) && (short?.length ?? 1) === 1, true, name);
    }
    assertEquals(command.examples.length > 0, true, path.join(" "));
    assertEquals(/^[A-Z].*[^.]$/.test(command.summary), true, command.summary);
  }
});

Deno.test("help fits terminals of 40, 80 and 200 columns, and cuts no word", async () => {
  const paths = [
    [],
    ...COMMANDS.filter(({ subcommands }) => subcommands).map(({ name }) => [name]),
  ];
  const all = [...paths, ...leaves(COMMANDS).map(([path]) => path)];
  for (const path of all) {
    const { stdout: wide } = await runFake([...path, "--help"], { columns: 200 });
    for (const columns of [40, 80, 200]) {
      const { stdout } = await runFake([...path, "--help"], { columns });
      // What has no space, or stands in quotes, cannot be divided.
      const long = stdout.split("\n").filter((line) =>
        line.length > columns &&
        /\s/.test(line.trim().replace(/ \\$/, "").replace(/"[^"]*"|'[^']*'/g, ""))
      );
      assertEquals(long, [], path.join(" "));
      const words = (text: string): string => text.replace(/ \\\n|\n *#|\s/g, "");
      assertEquals(words(stdout), words(wide), path.join(" "));
    }
  }
});

Deno.test("help of a small command, as it is", async () => {
  const { stdout } = await runFake(["cache", "prune", "--help"]);
  assertEquals(
    stdout.split("\nGlobal flags:")[0],
    `Remove entries from the cache, by age or size.

Without flags, everything that no running build uses is removed; the next build creates it again.

Usage: mise-oci cache prune [FLAGS]

Flags:
      --older-than TIME  Remove entries not used for this long: 12h, 7d, 2w
      --max-size SIZE    Remove the least recently used entries until the cache is this small: 10GB
      --dry-run          Show what would be removed, without removing it
`,
  );
});
