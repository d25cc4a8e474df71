/**
 * Progress as lines of text: a pure function of the state, the size of the terminal and the time.
 * @module
 */
import type { Colors } from "./color.ts";
import { escapeLine } from "./text.ts";
import { pad, textWidth, truncate } from "./width.ts";
import { formatBytes, formatCount, formatDuration } from "./format.ts";
import type { ProgressItem, ProgressState } from "./progress_state.ts";

/** How progress is drawn. */
export interface RenderOptions {
  /** Columns of the terminal. */
  readonly columns: number;
  /** Rows of the terminal. */
  readonly rows: number;
  /** Milliseconds, on the clock of the state. */
  readonly now: number;
  /** Colours. */
  readonly colors: Colors;
}

const SPINNER = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"] as const;
const BAR_COLUMNS = 20;
/** Maximum number of items shown, on a terminal of any size. */
const MAX_ITEMS = 12;

/** A bar of the given width, in eighths of a column. */
export function progressBar(part: number, columns: number): string {
  const eighths = Math.round(Math.min(1, Math.max(0, part)) * columns * 8);
  const full = "█".repeat(Math.floor(eighths / 8));
  const rest = eighths % 8 === 0 ? "" : String.fromCodePoint(0x2590 - eighths % 8);
  return pad(full + rest, columns);
}

/** The progress of an item: `45.2 MB / 110 MB 62 MB/s 1s`. */
function amounts({ bytes, total, startedAt }: ProgressItem, now: number): string {
  const elapsed = now - startedAt;
  const rate = elapsed >= 500 ? bytes / elapsed * 1000 : 0;
  const of = total === undefined || total === 0 ? "" : ` / ${formatBytes(total)}`;
  const left = total === undefined || rate <= 0 || bytes >= total
    ? ""
    : `  ${formatDuration((total - bytes) / rate * 1000)}`;
  return bytes === 0 && total === undefined
    ? ""
    : `${formatBytes(bytes)}${of}${rate > 0 ? `  ${formatBytes(rate)}/s` : ""}${left}`;
}

function itemLine(item: ProgressItem, labelColumns: number, options: RenderOptions): string {
  const { columns, now, colors } = options;
  const spinner = SPINNER[Math.floor(now / 100) % SPINNER.length] ?? "";
  const { total = 0 } = item;
  const label = pad(truncate(escapeLine(item.label), labelColumns), labelColumns);
  const room = columns - 1 - 2 - labelColumns - 2;
  const amount = amounts(item, now);
  const withBar = total > 0 && room >= BAR_COLUMNS + 2 + textWidth(amount);
  const bar = withBar ? `${colors.cyan(progressBar(item.bytes / total, BAR_COLUMNS))}  ` : "";
  return `${colors.cyan(spinner)} ${label}  ${bar}${
    colors.dim(truncate(amount, Math.max(0, room - (withBar ? BAR_COLUMNS + 2 : 0))))
  }`.trimEnd();
}

/** The total below the items: number of finished items, bytes, rate, remaining time. */
function summaryLine(state: ProgressState, options: RenderOptions): string | undefined {
  const items = [...state.items.values()];
  const ended = items.filter(({ status }) => status !== "running");
  if (items.length < 2) return undefined;
  const running = items.filter(({ status }) => status === "running");
  const left = running.reduce(
    (sum, { total, bytes }) => sum + Math.max(0, (total ?? 0) - bytes),
    0,
  );
  const parts = [
    `${ended.length} of ${formatCount(items.length, "item")} done`,
    ...(state.bytes > 0 ? [formatBytes(state.bytes)] : []),
    ...((state.rate ?? 0) > 0 ? [`${formatBytes(state.rate ?? 0)}/s`] : []),
    ...((state.rate ?? 0) > 0 && left > 0
      ? [`${formatDuration(left / (state.rate ?? 1) * 1000)} left`]
      : []),
  ];
  return truncate(`  ${parts.join(" · ")}`, options.columns - 1);
}

/**
 * The lines of progress: the step, the items that are running (as many as there is room for), how many
 * more there are, and a sum. No line is wider than the terminal less one column, so that none wraps.
 */
export function renderProgress(state: ProgressState, options: RenderOptions): readonly string[] {
  const { columns, rows, colors } = options;
  if (state.suspended || columns < 4) return [];
  const running = [...state.items.values()].filter(({ status }) => status === "running");
  const room = Math.max(1, Math.min(MAX_ITEMS, rows - 4));
  const shown = running.slice(0, running.length > room ? room - 1 : room);
  const longest = Math.max(8, ...shown.map(({ label }) => textWidth(escapeLine(label))));
  const labelColumns = Math.min(longest, Math.max(8, Math.floor(columns * 0.45)), columns - 3);
  const summary = summaryLine(state, options);
  const more = running.length - shown.length;
  return [
    ...(state.step === undefined
      ? []
      : [colors.bold(truncate(escapeLine(state.step), columns - 1))]),
    ...shown.map((item) => itemLine(item, labelColumns, options)),
    ...(more > 0 ? [colors.dim(truncate(`  … and ${more} more`, columns - 1))] : []),
    ...(summary === undefined ? [] : [colors.dim(summary)]),
  ];
}
