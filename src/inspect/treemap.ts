/**
 * Squarified treemaps (Bruls, Huizing, van Wijk 2000): areas in proportion to sizes, as square as can be.
 * @module
 */

export interface Rectangle {
  /** Left edge. */
  readonly x: number;
  /** Upper edge. */
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** The worst ratio of sides in a row of areas along a side. */
function worst(row: readonly number[], side: number): number {
  const sum = row.reduce((total, area) => total + area, 0);
  const thickness = sum / side;
  return Math.max(...row.map((area) => {
    const length = area / thickness;
    return Math.max(length / thickness, thickness / length);
  }));
}

/** Puts a row of areas along the shorter side; returns the remaining space. */
function place(row: readonly number[], space: Rectangle, into: Rectangle[]): Rectangle {
  const sum = row.reduce((total, area) => total + area, 0);
  const { x, y, width, height } = space;
  const across = width >= height;
  const thickness = sum / (across ? height : width);
  let at = across ? y : x;
  for (const area of row) {
    const length = area / thickness;
    into.push(
      across
        ? { x, y: at, width: thickness, height: length }
        : { x: at, y, width: length, height: thickness },
    );
    at += length;
  }
  return across
    ? { x: x + thickness, y, width: width - thickness, height }
    : { x, y: y + thickness, width, height: height - thickness };
}

/**
 * Divides a rectangle in proportion to sizes.
 *
 * @param sizes positive, the largest first.
 * @returns one rectangle for each size, in the same order.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { squarify } from "./treemap.ts";
 *
 * const [left] = squarify([1, 1], { x: 0, y: 0, width: 2, height: 1 });
 * assertEquals(left, { x: 0, y: 0, width: 1, height: 1 });
 * ```
 */
export function squarify(sizes: readonly number[], space: Rectangle): readonly Rectangle[] {
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const scale = space.width * space.height / total;
  const areas = sizes.map((size) => size * scale);
  const placed: Rectangle[] = [];
  let rest = space;
  let row: number[] = [];
  for (const area of areas) {
    const side = Math.min(rest.width, rest.height);
    if (row.length > 0 && worst([...row, area], side) > worst(row, side)) {
      rest = place(row, rest, placed);
      row = [];
    }
    row.push(area);
  }
  if (row.length > 0) place(row, rest, placed);
  return placed;
}
