/**
 * Results as Markdown.
 * @module
 */
import { type Spread, spread } from "./measure.ts";
import { ratios, type Result, type Series } from "./result.ts";

function digits(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

/** `2.60 (2.51–2.80)`, or the one value there is. */
function cell(values: readonly number[], format: (value: number) => string = digits): string {
  const { median, min, max }: Spread = spread(values);
  if (Number.isNaN(median)) return "";
  const [low, high] = [format(min), format(max)];
  return low === high ? format(median) : `${format(median)} (${low}–${high})`;
}

function megabytes(bytes: number | undefined): string {
  return bytes === undefined ? "" : (bytes / 1e6).toFixed(1);
}

function row(series: Series, ours: Series): string {
  const of = (measure: "wall" | "cpu" | "memory"): number[] =>
    series.costs.map((cost) => cost[measure]);
  const ratio = (measure: "wall" | "cpu"): string =>
    series === ours ? "" : cell(ratios(ours, series, measure), (value) => value.toFixed(2));
  const cells = [
    series === ours ? `**${series.name}**` : series.name,
    cell(of("wall")),
    ratio("wall"),
    cell(of("cpu")),
    ratio("cpu"),
    cell([spread(of("memory")).max], (value) => value === 0 ? "" : value.toFixed(0)),
    megabytes(series.size),
    ...(ours.traffic === undefined
      ? []
      : [megabytes(series.traffic?.received), megabytes(series.traffic?.sent)]),
  ];
  return `| ${cells.join(" | ")} |`;
}

const HEAD = ["program", "wall, s", "ratio", "CPU, s", "ratio", "memory, MB", "result, MB"];

/** The Markdown section of one scenario. */
export function formatResult({ title, machine, date, series }: Result): string {
  const [ours] = series;
  if (ours === undefined) return "";
  const head = ours.traffic === undefined ? HEAD : [...HEAD, "received, MB", "sent, MB"];
  const rounds = ours.costs.length === 1 ? "1 round" : `${ours.costs.length} rounds`;
  return [
    `## ${title[0]?.toUpperCase()}${title.slice(1)}`,
    "",
    `| ${head.join(" | ")} |`,
    `| ${head.map((_, i) => i === 0 ? "---" : "---:").join(" | ")} |`,
    ...series.map((each) => row(each, ours)),
    "",
    `${rounds}; ${machine}; ${date}.`,
    "",
  ].join("\n");
}

/** The whole of `RESULTS.md`. */
export function formatResults(results: readonly Result[]): string {
  const intro = [
    "# Results",
    "",
    "Written by `deno task bench --write`; [README.md](README.md) says what is measured and how to read",
    "it. A ratio is mise-oci's figure divided by the other program's, taken round by round: below 1",
    "mise-oci needs less.",
    "",
    "",
  ].join("\n");
  return `${intro}${results.map(formatResult).join("\n")}`;
}
