/**
 * Text for people: made safe to print, wrapped and joined. Without the widths of all writing systems, which is
 * a package: help needs none.
 * @module
 */

// C0, DEL and C1 controls, line and paragraph separators, and characters that change the direction of text.
// deno-lint-ignore no-control-regex
const UNSAFE = /[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

function escapeCharacter(character: string): string {
  const code = character.charCodeAt(0);
  if (character === "\t") return " ";
  return code < 0x100
    ? `\\x${code.toString(16).padStart(2, "0")}`
    : `\\u${code.toString(16).padStart(4, "0")}`;
}

/**
 * One line of text: controls are written as `\x1b`, line ends as `\n`.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { escapeLine } from "./text.ts";
 *
 * assertEquals(escapeLine("red\x1b[31m\r\nnext"), "red\\x1b[31m\\nnext");
 * ```
 */
export function escapeLine(text: string): string {
  return text.replaceAll("\r\n", "\n").split("\n").map((line) =>
    line.replace(UNSAFE, escapeCharacter)
  ).join("\\n");
}

/** Several lines of text; all but the first are indented, so that none can be mistaken for our own output. */
export function escapeBlock(text: string, indent = "  "): string {
  return text.replaceAll("\r\n", "\n").trimEnd().split("\n").map((line) =>
    line.replace(UNSAFE, escapeCharacter)
  ).join(`\n${indent}`);
}

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
 * import { wrap } from "./text.ts";
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
 * import { fold } from "./text.ts";
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

/**
 * Lines as text, each with its line end.
 *
 * @param columns What a terminal has: longer lines go on in the next one, a little further in. Default: no limit.
 */
export function joinLines(lines: readonly string[], columns?: number): string {
  return lines.flatMap((line) => fit(line, columns)).map((line) => `${line}\n`).join("");
}

function fit(line: string, columns: number | undefined): readonly string[] {
  if (columns === undefined || line.length <= columns) return [line];
  const indent = /^ */.exec(line)?.[0] ?? "";
  const further = `${indent}  `;
  const parts = wrap(line.slice(indent.length), columns - further.length);
  return parts.map((part, at) => (at === 0 ? indent : further) + part);
}
