/**
 * Lines of a text. Without the widths of all writing systems, which is a package: help needs none.
 * @module
 */

function characters(text: string): number {
  return [...text].length;
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
 * @param width Columns of a text; default its number of characters.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { wrap } from "./wrap.ts";
 *
 * assertEquals(wrap("one of ghcr.io/team/app:v1", 14), ["one of", "ghcr.io/team/", "app:v1"]);
 * ```
 */
export function wrap(
  text: string,
  columns: number,
  width: (text: string) => number = characters,
): readonly string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    const pieces = width(word) > columns ? piecesOf(word) : [word];
    for (const [at, piece] of pieces.entries()) {
      const space = at === 0 && line !== "" ? " " : "";
      if (line !== "" && width(line) + space.length + width(piece) > columns) {
        lines.push(line);
        line = piece;
      } else line += space + piece;
    }
  }
  return [...lines, line];
}

/** The columns of the longest part of a text that cannot be divided. */
export function longestPiece(
  text: string,
  width: (text: string) => number = characters,
): number {
  return Math.max(0, ...text.split(" ").flatMap(piecesOf).map(width));
}
