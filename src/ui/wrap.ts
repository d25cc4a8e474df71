/**
 * Lines of a text. Without the widths of all writing systems, which is a package: help needs none.
 * @module
 */

/** A control sequence of a terminal, such as a colour. */
// deno-lint-ignore no-control-regex
export const SEQUENCE = /\x1b\[[0-9;?]*[a-zA-Z]/g;

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
  return wrapWords(text, { columns, width, divide: piecesOf });
}

/**
 * The lines of a message in lines of so many columns, divided at spaces only: a path, an address or a digest, which
 * people copy, stays whole. What goes on in the next line is indented like the line itself.
 *
 * @param text May have colours.
 * @param columns 0 of a terminal that does not say how wide it is: then nothing is divided.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { fold } from "./wrap.ts";
 *
 * assertEquals(fold("error: no\n  a b/c/d e", 6), "error:\nno\n  a\n  b/c/d\n  e");
 * ```
 */
export function fold(text: string, columns: number): string {
  if (columns < 1) return text;
  const width = (part: string): number => characters(part.replaceAll(SEQUENCE, ""));
  return text.split("\n").flatMap((line) => {
    const indent = /^ */.exec(line)?.[0] ?? "";
    const options = { columns: columns - indent.length, width, divide: (word: string) => [word] };
    return wrapWords(line.slice(indent.length), options).map((part) => indent + part);
  }).join("\n");
}

function wrapWords(
  text: string,
  { columns, width, divide }: {
    readonly columns: number;
    readonly width: (text: string) => number;
    readonly divide: (word: string) => readonly string[];
  },
): readonly string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    const pieces = width(word) > columns ? divide(word) : [word];
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
