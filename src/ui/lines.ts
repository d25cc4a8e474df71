/**
 * Lines of text.
 * @module
 */
import { wrap } from "./wrap.ts";

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
