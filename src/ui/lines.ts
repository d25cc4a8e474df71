/**
 * Lines of text.
 * @module
 */

/** Lines as text, each with its line end. */
export function joinLines(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join("");
}
