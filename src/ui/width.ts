/**
 * How wide text is on a terminal.
 * @module
 */
import { unicodeWidth } from "@std/cli";

/** The columns that a text takes on a terminal. */
export function textWidth(text: string): number {
  // Nearly every text is ASCII, and the general answer is much slower.
  return /^[\x20-\x7e]*$/.test(text) ? text.length : unicodeWidth(text);
}

/** A text truncated to the given number of columns, with `…` where something is missing. */
export function truncate(text: string, columns: number): string {
  if (textWidth(text) <= columns) return text;
  let result = "";
  let width = 0;
  for (const character of text) {
    width += textWidth(character);
    if (width > columns - 1) break;
    result += character;
  }
  return columns < 1 ? "" : `${result}…`;
}

/** A text padded with spaces to the given number of columns. */
export function pad(text: string, columns: number, side: "left" | "right" = "left"): string {
  const spaces = " ".repeat(Math.max(0, columns - textWidth(text)));
  return side === "left" ? text + spaces : spaces + text;
}
