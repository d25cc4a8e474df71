/**
 * Warnings and details as lines.
 * @module
 */
import type { Colors } from "./color.ts";
import { escapeBlock } from "./escape.ts";
import type { ReportEvent, WarningEvent } from "./reporter.ts";

/** Which messages are shown, and how. */
export interface MessageOptions {
  /** Colours. */
  readonly colors: Colors;
  /** 0, 1 (`-v`) or 2 (`-vv`). */
  readonly verbosity: number;
  /** Shows no warnings either. */
  readonly quiet: boolean;
}

/** All that a warning counts, if its text does not name all of it. */
export function hiddenItems({ text, items = [] }: WarningEvent): readonly string[] {
  return items.every((item) => text.includes(item)) ? [] : items;
}

/** The line of a warning or a detail; nothing for other events, or for what is not wanted. */
export function messageLine(
  event: ReportEvent,
  { colors, verbosity, quiet }: MessageOptions,
): string | undefined {
  if (quiet) return undefined;
  if (event.type === "warning") {
    const items = verbosity > 0 ? hiddenItems(event) : [];
    const lines = [event.text, ...items].map((text) => escapeBlock(text));
    return `${colors.yellow("warning:")} ${lines.join("\n  ")}`;
  }
  if (event.type === "detail" && event.level <= verbosity) {
    return colors.dim(escapeBlock(event.text));
  }
  return undefined;
}
