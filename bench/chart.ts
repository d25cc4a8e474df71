/**
 * Results as bar charts: SVG that looks right on a light and on a dark page.
 * @module
 */
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

function seconds(series: Series): number {
  return spread(series.costs.map(({ wall }) => wall)).median;
}

function bar(
  series: Series,
  { y, longest, ours }: { readonly y: number; readonly longest: number; readonly ours: boolean },
): string {
  const value = seconds(series);
  const room = WIDTH - LABEL - 80;
  const width = Math.max(2, Math.round(room * value / longest));
  const middle = y + BAR - 5;
  const name = escapeXml(series.name);
  return [
    `<text x="${LABEL - 8}" y="${middle}" text-anchor="end">${name}</text>`,
    `<rect class="${
      ours ? "ours" : "theirs"
    }" x="${LABEL}" y="${y}" width="${width}" height="${BAR}" rx="3"/>`,
    `<text class="note" x="${LABEL + width + 8}" y="${middle}">${value.toFixed(2)} s</text>`,
  ].join("\n");
}

/** One group of bars for each result; their lengths compare within a group. */
export function formatChart(title: string, results: readonly Result[]): string {
  const parts: string[] = [];
  let y = 10;
  for (const { title: group, series } of results) {
    const longest = Math.max(...series.map(seconds));
    parts.push(`<text class="title" x="8" y="${y + 14}">${escapeXml(group)}</text>`);
    y += GROUP - 10;
    for (const [i, each] of series.entries()) {
      parts.push(bar(each, { y, longest, ours: i === 0 }));
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
