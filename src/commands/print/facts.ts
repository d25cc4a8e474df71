/**
 * Prints facts, one per line, with aligned names.
 * @module
 */
import { escapeLine, longestPiece, wrap } from "../../ui/text.ts";
import { textWidth } from "../../ui/width.ts";

/** A name and its text; a fact without text is not printed. */
export type Fact = readonly [name: string, text: string | undefined];

/** Width of the names, including the space after them. */
const LEFT = 10;

/** Wraps a fact's text, or puts it below its name if it cannot be divided. */
function foldFact([name, text = ""]: Fact, left: number, columns: number): readonly string[] {
  const below = longestPiece(text, textWidth) > columns - left;
  const indent = below ? 2 : left;
  const parts = wrap(text, columns - indent, textWidth).map((part) => " ".repeat(indent) + part);
  return below
    ? [name, ...parts]
    : [name.padEnd(left) + (parts[0] ?? "").trimStart(), ...parts.slice(1)];
}

/**
 * The facts with a text, one per line.
 *
 * @param columns Width of the terminal, at which longer facts are wrapped; unlimited by default.
 */
export function factLines(facts: readonly Fact[], columns = Infinity): readonly string[] {
  const shown = facts.filter(([, text]) => text !== undefined && text !== "")
    .map(([name, text = ""]) => [name, escapeLine(text)] as const);
  // A digest and its name fit 80 columns only with a single space between them.
  const left = shown.some(([, text]) => textWidth(text) === columns - LEFT + 1) ? LEFT - 1 : LEFT;
  return shown.flatMap((fact) => {
    const line = fact[0].padEnd(left) + fact[1];
    return textWidth(line) <= columns ? [line] : foldFact(fact, left, columns);
  });
}

/** One fact for each entry of a table. */
export function tableFacts(
  name: string,
  table: Readonly<Record<string, string>> = {},
): readonly Fact[] {
  return Object.entries(table).map(([key, value]) => [name, `${key}=${value}`]);
}
