/**
 * Tables of text.
 * @module
 */
import { escapeLine, longestPiece, wrap } from "./text.ts";
import { pad, textWidth } from "./width.ts";

export interface Column {
  /** Its heading. */
  readonly title: string;
  /** Alignment of its texts. */
  readonly align?: "left" | "right";
}

/** Spaces between two columns. */
const GAP = 2;
/** A column is not made narrower than this: words one below the other are no table. */
const NARROWEST = 12;

/** The widths at which a table fits, its widest columns made narrower; `undefined` if it cannot. */
function maybeFit(
  columns: readonly (readonly string[])[],
  available: number,
): readonly number[] | undefined {
  const widths = columns.map((texts) => Math.max(...texts.map(textWidth)));
  const least = columns.map((texts, at) =>
    Math.min(
      widths[at] ?? 0,
      Math.max(NARROWEST, ...texts.map((text) => longestPiece(text, textWidth))),
    )
  );
  let excess = widths.reduce((sum, width) => sum + width + GAP, -GAP) - available;
  while (excess > 0) {
    const spare = widths.map((width, at) => width - (least[at] ?? 0));
    const at = spare.indexOf(Math.max(...spare));
    const less = Math.min(spare[at] ?? 0, excess);
    if (less <= 0) return undefined;
    widths[at] = (widths[at] ?? 0) - less;
    excess -= less;
  }
  return widths;
}

/** One row below the other, each cell behind the title of its column. */
function stack(
  titles: readonly string[],
  rows: readonly (readonly string[])[],
  columns: number,
): readonly string[] {
  const left = Math.max(...titles.map(textWidth)) + GAP;
  return rows.flatMap((row, index) => [
    ...(index === 0 ? [] : [""]),
    ...row.flatMap((cell, at) =>
      cell === ""
        ? []
        : wrap(cell, columns - left, textWidth).map((part, line) =>
          pad(line === 0 ? titles[at] ?? "" : "", left) + part
        )
    ),
  ]);
}

/**
 * A table as lines with a heading, two spaces between columns and none at the end of a line. Columns without
 * any text are omitted; control characters in cells are escaped.
 *
 * @param width Columns of the terminal: cells that are too wide go on in the next line, and where that is not
 * enough each row becomes a block of its own. Default: no limit.
 */
export function renderTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  width = Infinity,
): readonly string[] {
  const used = columns.map((column, index) => ({ column, index }))
    .filter(({ index }) => rows.length === 0 || rows.some((row) => (row[index] ?? "") !== ""));
  const titles = used.map(({ column }) => column.title);
  const cells = rows.map((row) => used.map(({ index }) => escapeLine(row[index] ?? "")));
  const widths = maybeFit(
    titles.map((title, at) => [title, ...cells.map((row) => row[at] ?? "")]),
    width,
  );
  if (widths === undefined) return stack(titles, cells, width);
  return [titles, ...cells].flatMap((row) => {
    const parts = row.map((cell, at) => wrap(cell, widths[at] ?? 0, textWidth));
    const height = Math.max(...parts.map((lines) => lines.length));
    return Array.from(
      { length: height },
      (_, line) =>
        parts.map((lines, at) => pad(lines[line] ?? "", widths[at] ?? 0, used[at]?.column.align))
          .join(" ".repeat(GAP)).trimEnd(),
    );
  });
}
