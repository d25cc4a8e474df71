/**
 * A treemap, squarified: boxes whose areas are sizes, as HTML.
 * @module
 */
import { escapeLine } from "../ui/text.ts";
import { formatBytes, formatCount } from "../ui/format.ts";
import type { SizeNode } from "./size_tree.ts";

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

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** A text as content or attribute value; control characters are made visible. */
export function escapeHtml(text: string): string {
  return escapeLine(text).replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}

/** The assumed width of a map when deciding which texts are readable; the map scales with the page. */
const MAP_WIDTH = 1100;
/** A box smaller than this, in square pixels, is not drawn on its own. */
const MIN_AREA = 260;
/** Height of the line with a box's name. */
const TITLE_HEIGHT = 18;
/** Deeper boxes could not be distinguished. */
const MAX_DEPTH = 4;
const GAP = 2;
/** Widths in pixels: of an average letter (bold in the outermost boxes), and of the space around a text. */
const LETTER = 6.6;
const BOLD_LETTER = 7.6;
const PADDING = 12;

/** One box with its contents. */
export interface Box {
  /** What is written in it. */
  readonly label: string;
  /** Shorter texts for boxes in which the label does not fit, the longest first. */
  readonly shorter?: readonly string[];
  /** The tooltip. */
  readonly title: string;
  /** Bytes. */
  readonly size: number;
  /** Boxes in it, the largest first. */
  readonly children: readonly Box[];
  /** Its colour; default: that of the box around it. */
  readonly hue?: Hue;
  /** Whether it represents many boxes that are too small. */
  readonly rest?: boolean;
}

/** A colour without its lightness, which depends on the depth. */
export interface Hue {
  /** 0 to 360. */
  readonly hue: number;
  /** 0 to 100. */
  readonly saturation: number;
}

/** The CSS variables of a colour. */
export function hueStyle({ hue, saturation }: Hue): string {
  return `--h:${hue};--s:${saturation}%`;
}

/** The boxes of a tree's files. */
export function boxesOf(node: SizeNode): readonly Box[] {
  return (node.children ?? []).filter(({ size }) => size > 0).map((child) => ({
    label: child.name,
    shorter: child.name.includes("/") ? [child.name.replace(/^.*\//, "…/")] : [],
    title: child.children === undefined
      ? `/${child.path}: ${formatBytes(child.size)}`
      : `/${child.path}/: ${formatBytes(child.size)} in ${formatCount(child.files, "file")}`,
    size: child.size,
    children: boxesOf(child),
  }));
}

/** Merges the boxes that would be too small to see into one. */
function gather(boxes: readonly Box[], area: number): readonly Box[] {
  const total = boxes.reduce((sum, { size }) => sum + size, 0);
  const small = boxes.filter(({ size }) => size / total * area < MIN_AREA);
  if (small.length < 2) return boxes;
  const size = small.reduce((sum, box) => sum + box.size, 0);
  const large = boxes.filter((box) => !small.includes(box));
  if (large.length === 0 || size / total * area < MIN_AREA / 4) return large;
  const label = `${small.length} smaller`;
  const title = `${label}: ${formatBytes(size)}`;
  const rest = { label, shorter: [`+${small.length}`], title, size, children: [], rest: true };
  return [...large, rest].sort((a, b) => b.size - a.size);
}

/** The text of a box: the longest of its names that fits, with its size if there is room. */
function textOf(box: Box, { width, height }: Rectangle, depth: number): string {
  if (width <= 42 || height <= 15) return "";
  const fits = (text: string): boolean =>
    text.length * (depth === 0 ? BOLD_LETTER : LETTER) + PADDING <= width;
  const names = [box.label, ...box.shorter ?? []];
  const texts = [`${box.label} ${formatBytes(box.size)}`, ...names];
  return texts.find(fits) ?? names.at(-1) ?? "";
}

const percent = (part: number, whole: number): string =>
  `${Number((part / whole * 100).toFixed(3))}%`;

function renderBox(box: Box, at: Rectangle, around: Rectangle, depth: number): string {
  const style = [
    `left:${percent(at.x, around.width)}`,
    `top:${percent(at.y, around.height)}`,
    `width:${percent(at.width, around.width)}`,
    `height:${percent(at.height, around.height)}`,
    ...(box.hue === undefined ? [] : [hueStyle(box.hue)]),
  ].join(";");
  const opens = depth < MAX_DEPTH && at.width > 56 && at.height > 46;
  const inner = opens
    ? renderBoxes(box.children, {
      x: GAP,
      y: TITLE_HEIGHT,
      width: at.width - 2 * GAP,
      height: at.height - TITLE_HEIGHT - GAP,
    }, { depth: depth + 1, around: at })
    : "";
  const name = `d${depth}${box.rest === true ? " rest" : ""}`;
  return `<div class="${name}" style="${style}" title="${escapeHtml(box.title)}">${
    escapeHtml(textOf(box, at, depth))
  }${inner}</div>`;
}

/** Draws boxes into a space that is part of the box `around`. */
function renderBoxes(
  boxes: readonly Box[],
  space: Rectangle,
  { depth, around }: { readonly depth: number; readonly around: Rectangle },
): string {
  const shown = gather(boxes, space.width * space.height);
  const places = squarify(shown.map(({ size }) => size), space);
  return shown.map((box, i) => {
    const place = places[i];
    return place === undefined ? "" : renderBox(box, place, around, depth);
  }).join("");
}

/** How {@linkcode renderMap} draws. */
interface MapOptions {
  /** A description of the map, for screen readers. */
  readonly label: string;
  /** Height in pixels. */
  readonly height: number;
  /** Depth of the outermost boxes, which determines their style; 0 is the darkest. */
  readonly depth: number;
  /** Colour of outermost boxes without a colour. */
  readonly hue?: Hue;
}

/** A whole map. */
export function renderMap(boxes: readonly Box[], options: MapOptions): string {
  const { label, height, depth, hue } = options;
  const space = { x: 0, y: 0, width: MAP_WIDTH, height };
  const style = [`height:${height}px`, ...(hue === undefined ? [] : [hueStyle(hue)])].join(";");
  return `<div class="map" role="img" aria-label="${escapeHtml(label)}" style="${style}">` +
    `${renderBoxes(boxes, space, { depth, around: space })}</div>`;
}
