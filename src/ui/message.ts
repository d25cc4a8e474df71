/**
 * Warnings and details as lines.
 * @module
 */
import type { Colors } from "./color.ts";
import { escapeBlock } from "./text.ts";
import type { ReportEvent, WarningEvent } from "./reporter.ts";

/** Which messages are shown, and how. */
export interface MessageOptions {
  /** Colours. */
  readonly colors: Colors;
  /** 0, 1 (`-v`) or 2 (`-vv`). */
  readonly verbosity: number;
  /** Also hides warnings. */
  readonly quiet: boolean;
}

/** The complete list of a warning, if its text does not contain all of it. */
export function hiddenItems({ text, items = [] }: WarningEvent): readonly string[] {
  return items.every((item) => text.includes(item)) ? [] : items;
}

/** The line of a warning or a detail; nothing for other events, or if it is not enabled. */
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
