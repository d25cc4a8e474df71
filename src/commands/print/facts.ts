/**
 * Facts, one a line, under names of one width.
 * @module
 */
import { escapeLine, longestPiece, wrap } from "../../ui/text.ts";
import { textWidth } from "../../ui/width.ts";

/** A name and what there is to say; nothing is printed where there is nothing. */
export type Fact = readonly [name: string, text: string | undefined];

/** Columns of the names, with the space after them. */
const LEFT = 10;

/** A fact whose text goes on below itself, or stands below its name where it cannot be divided. */
function foldFact([name, text = ""]: Fact, left: number, columns: number): readonly string[] {
  const below = longestPiece(text, textWidth) > columns - left;
  const indent = below ? 2 : left;
  const parts = wrap(text, columns - indent, textWidth).map((part) => " ".repeat(indent) + part);
  return below
    ? [name, ...parts]
    : [name.padEnd(left) + (parts[0] ?? "").trimStart(), ...parts.slice(1)];
}

/**
 * The facts that there are, one a line.
 *
 * @param columns Columns of the terminal: a longer fact goes on in the next line. Default: no limit.
 */
export function factLines(facts: readonly Fact[], columns = Infinity): readonly string[] {
  const shown = facts.filter(([, text]) => text !== undefined && text !== "")
    .map(([name, text = ""]) => [name, escapeLine(text)] as const);
  // A digest and its name fill 80 columns with one space between them.
  const left = shown.some(([, text]) => textWidth(text) === columns - LEFT + 1) ? LEFT - 1 : LEFT;
  return shown.flatMap((fact) => {
    const line = fact[0].padEnd(left) + fact[1];
    return textWidth(line) <= columns ? [line] : foldFact(fact, left, columns);
  });
}

/** One fact for each name of a table. */
export function tableFacts(
  name: string,
  table: Readonly<Record<string, string>> = {},
): readonly Fact[] {
  return Object.entries(table).map(([key, value]) => [name, `${key}=${value}`]);
}
