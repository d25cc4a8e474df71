/**
 * Tables of text.
 * @module
 */
import { escapeLine } from "./escape.ts";
import { pad, textWidth } from "./text.ts";

export interface Column {
  /** Its heading. */
  readonly title: string;
  /** Alignment of its texts. */
  readonly align?: "left" | "right";
}

/**
 * A table as lines with a heading, two spaces between columns and none at the end of a line. Columns without
 * any text are omitted; control characters in cells are escaped.
 */
export function renderTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
): readonly string[] {
  const used = columns.map((column, index) => ({ column, index }))
    .filter(({ index }) => rows.length === 0 || rows.some((row) => (row[index] ?? "") !== ""));
  const lines = [
    used.map(({ column }) => column.title),
    ...rows.map((row) => used.map(({ index }) => escapeLine(row[index] ?? ""))),
  ];
  const widths = used.map((_, at) => Math.max(...lines.map((line) => textWidth(line[at] ?? ""))));
  return lines.map((line) =>
    line.map((cell, at) =>
      pad(cell, widths[at] ?? 0, used[at]?.column.align === "right" ? "right" : "left")
    ).join("  ").trimEnd()
  );
}
