/**
 * Typed stand-in for `jsr:@std/cli`, used through `links` where JSR cannot be reached. The npm mirror
 * of `@std/cli` lacks the table of widths, so another library measures.
 * @module
 */
import stringWidth from "npm:string-width@8.1.0";

/** Columns a text takes on a terminal. */
export function unicodeWidth(text: string): number {
  return stringWidth(text, { ambiguousIsNarrow: true });
}
