/**
 * Text on a terminal: what it may contain and how wide it is.
 * @module
 */
import { unicodeWidth } from "@std/cli";

/** The columns that a text takes on a terminal. */
export function textWidth(text: string): number {
  // Nearly every text is ASCII, and the general answer is much slower.
  return /^[\x20-\x7e]*$/.test(text) ? text.length : unicodeWidth(text);
}

/** A text cut to so many columns, with `…` where something is missing. */
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

/** A text filled with spaces to so many columns. */
export function pad(text: string, columns: number, side: "left" | "right" = "left"): string {
  const spaces = " ".repeat(Math.max(0, columns - textWidth(text)));
  return side === "left" ? text + spaces : spaces + text;
}

/**
 * Pieces of a word that may stand on lines of their own: paths, references and types divide after `/`, `:`, `@`,
 * `,`, `=`, `|` and `+`; a digest, which people copy, and a time do not.
 */
function piecesOf(word: string): readonly string[] {
  const piece =
    /\(?sha256:[0-9a-f]+\)?|\d{4}-\d\d-\d\dT[\d:.]+Z?|\/*[^/:@,=|+]+(?:[:@,=|+]+|\/)?|[/:@,=|+]+/g;
  return word.match(piece) ?? [];
}

/**
 * A text in lines of so many columns. It is divided at spaces, a word that is too long for a line after `/`, `:`
 * and the like; what cannot be divided stays whole and is longer than a line.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { wrap } from "./text.ts";
 *
 * assertEquals(wrap("one of ghcr.io/team/app:v1", 14), ["one of", "ghcr.io/team/", "app:v1"]);
 * ```
 */
export function wrap(text: string, columns: number): readonly string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    const pieces = textWidth(word) > columns ? piecesOf(word) : [word];
    for (const [at, piece] of pieces.entries()) {
      const space = at === 0 && line !== "" ? " " : "";
      if (line !== "" && textWidth(line) + space.length + textWidth(piece) > columns) {
        lines.push(line);
        line = piece;
      } else line += space + piece;
    }
  }
  return [...lines, line];
}

/** The columns of the longest part of a text that cannot be divided. */
export function longestPiece(text: string): number {
  return Math.max(0, ...text.split(" ").flatMap(piecesOf).map(textWidth));
}
