/**
 * Results as bar charts: SVG that looks right on a light and on a dark page.
 * @module
 */
import type { Traffic } from "./contender.ts";
import { spread } from "./measure.ts";
import type { Result, Series } from "./result.ts";

const WIDTH = 720;
const LABEL = 190;
const BAR = 18;
const GAP = 6;
const GROUP = 34;

const STYLE = `
text { font: 13px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #24292f }
.title { font-weight: 600 }
.note { fill: #57606a }
.ours { fill: #1a7f37 }
.theirs { fill: #8c959f }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 }
  .note { fill: #9198a1 }
  .ours { fill: #3fb950 }
  .theirs { fill: #6e7681 }
}`;

function escapeXml(text: string): string {
  const plain = text.replaceAll("\\|", "|").replaceAll("`", "");
  return plain.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** Bars whose lengths compare; the first is ours. */
export interface ChartGroup {
  /** What is compared. */
  readonly title: string;
  /** Behind each value: `s`. */
  readonly unit: string;
  /** The bars. */
  readonly bars: readonly { readonly name: string; readonly value: number }[];
}

/** How long each program took. */
export function secondsOf({ title, series }: Result): ChartGroup {
  const seconds = ({ costs }: Series): number => spread(costs.map(({ wall }) => wall)).median;
  return { title, unit: "s", bars: series.map((one) => ({ name: one.name, value: seconds(one) })) };
}

/** How much each program received from registries, or sent to them. */
export function megabytesOf({ series }: Result, kind: keyof Traffic): ChartGroup {
  return {
    title: `${kind} by the runner`,
    unit: "MB",
    bars: series.map(({ name, traffic }) => ({ name, value: (traffic?.[kind] ?? 0) / 1e6 })),
  };
}

function bar(
  { name: program, value }: ChartGroup["bars"][number],
  { y, longest, ours, unit }: {
    readonly y: number;
    readonly longest: number;
    readonly ours: boolean;
    readonly unit: string;
  },
): string {
  const room = WIDTH - LABEL - 80;
  const width = Math.max(2, Math.round(room * value / longest));
  const middle = y + BAR - 5;
  const name = escapeXml(program);
  return [
    `<text x="${LABEL - 8}" y="${middle}" text-anchor="end">${name}</text>`,
    `<rect class="${
      ours ? "ours" : "theirs"
    }" x="${LABEL}" y="${y}" width="${width}" height="${BAR}" rx="3"/>`,
    `<text class="note" x="${LABEL + width + 8}" y="${middle}">${
      value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0)
    } ${unit}</text>`,
  ].join("\n");
}

/** Groups of bars; their lengths compare within a group. */
export function formatChart(title: string, groups: readonly ChartGroup[]): string {
  const parts: string[] = [];
  let y = 10;
  for (const { title: group, unit, bars } of groups) {
    const longest = Math.max(...bars.map(({ value }) => value));
    parts.push(`<text class="title" x="8" y="${y + 14}">${escapeXml(group)}</text>`);
    y += GROUP - 10;
    for (const [i, each] of bars.entries()) {
      parts.push(bar(each, { y, longest, ours: i === 0, unit }));
      y += BAR + GAP;
    }
    y += 12;
  }
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y}" width="${WIDTH}" height="${y}" role="img">`,
    `<title>${escapeXml(title)}</title>`,
    `<style>${STYLE}\n</style>`,
    ...parts,
    "</svg>",
    "",
  ].join("\n");
}
