/**
 * Makes untrusted text (a registry's error body, a file name, mise's stderr) safe to print: it cannot move
 * the cursor, change colours or direction, or look like another line.
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
 * import { escapeLine } from "./escape.ts";
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
