/**
 * Typed stand-in for `jsr:@std/cli`, used through `links` where JSR cannot be reached. The npm mirror
 * of `@std/cli` lacks the table of widths, so another library measures: one that is loaded in 2 ms (those
 * with `Intl.Segmenter` take 20 ms, in every command).
 * @module
 */
import stringWidth from "npm:fast-string-width@3.0.2";

/** Columns a text takes on a terminal. */
export function unicodeWidth(text: string): number {
  return stringWidth(text);
}
