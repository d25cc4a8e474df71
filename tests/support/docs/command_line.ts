/**
 * Command lines in documents against the table of commands.
 * @module
 */
import { convertGlobals, convertInput, parseLine } from "../../../src/cli/parse.ts";
import { COMMANDS } from "../../../src/commands/mod.ts";

/** The words of a simple command line: quotes are understood, `$…` and `${{ … }}` become `x`. */
export function wordsOf(line: string): string[] {
  const text = line.replaceAll(/\$\{\{[^}]*\}\}|\$\{?\w+\}?/g, "x").replace(/\s#\s.*$/, "");
  const words = text.match(/(?:[^\s"']|"[^"]*"|'[^']*')+/g) ?? [];
  const end = words.findIndex((word) => /^(?:\||&&|;|>>?|2>.*)$/.test(word));
  return words.slice(0, end < 0 ? undefined : end).map((word) => word.replaceAll(/["']/g, ""));
}

/**
 * Parses a `mise-oci …` line with its values, as the program does. In a sentence, arguments may be missing.
 *
 * @throws {MiseOciError} `usage`.
 */
export function checkCommandLine(line: string, options: { inSentence?: boolean } = {}): void {
  const [, ...args] = wordsOf(line);
  const parsed = parseLine(args, COMMANDS);
  const conversion = {
    env: () => undefined,
    place: { resolve: (path: string) => path.startsWith("/") ? path : `/project/${path}` },
  };
  const globals = convertGlobals(parsed, conversion);
  const { command } = parsed;
  if (command === undefined || command.subcommands !== undefined) return;
  const positionals = options.inSentence
    ? command.positionals.map(({ choices }) => choices?.[0] ?? "example.com/x:y")
    : parsed.positionals;
  const wantsHelp = args.includes("--help") || args.includes("-h");
  if (!wantsHelp) {
    convertInput({ ...parsed, command, positionals }, { ...conversion, globals });
  }
}

/** The texts in a value, at any depth. */
function textsIn(value: unknown): readonly string[] {
  if (typeof value === "string") return [value];
  if (typeof value !== "object" || value === null) return [];
  return Object.values(value).flatMap(textsIn);
}

/** The `mise-oci …` lines of the scripts in a CI recipe, lines that end with a backslash joined. */
export function commandLinesIn(recipe: unknown): readonly string[] {
  return textsIn(recipe)
    .flatMap((text) => text.replaceAll(/\\\n\s*/g, "").split("\n"))
    .map((line) => line.trim())
    .filter((line) => line.startsWith("mise-oci "));
}
