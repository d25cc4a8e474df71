/**
 * Facts, one a line, under names of one width.
 * @module
 */
import { escapeLine } from "../../ui/escape.ts";

/** A name and what there is to say; nothing is printed where there is nothing. */
export type Fact = readonly [name: string, text: string | undefined];

/** The facts that there are, one a line. */
export function factLines(facts: readonly Fact[]): readonly string[] {
  return facts.filter(([, text]) => text !== undefined && text !== "")
    .map(([name, text = ""]) => `${name.padEnd(9)} ${escapeLine(text)}`);
}

/** One fact for each name of a table. */
export function tableFacts(
  name: string,
  table: Readonly<Record<string, string>> = {},
): readonly Fact[] {
  return Object.entries(table).map(([key, value]) => [name, `${key}=${value}`]);
}
