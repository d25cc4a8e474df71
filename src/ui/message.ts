/**
 * Warnings and details as lines.
 * @module
 */
import type { Colors } from "./color.ts";
import { escapeBlock } from "./escape.ts";
import type { ReportEvent } from "./reporter.ts";

/** Which messages are shown, and how. */
export interface MessageOptions {
  /** Colours. */
  readonly colors: Colors;
  /** 0, 1 (`-v`) or 2 (`-vv`). */
  readonly verbosity: number;
  /** Shows no warnings either. */
  readonly quiet: boolean;
}

/** The line of a warning or a detail; nothing for other events, or for what is not wanted. */
export function messageLine(
  event: ReportEvent,
  { colors, verbosity, quiet }: MessageOptions,
): string | undefined {
  if (quiet) return undefined;
  if (event.type === "warning") return `${colors.yellow("warning:")} ${escapeBlock(event.text)}`;
  if (event.type === "detail" && event.level <= verbosity) {
    return colors.dim(escapeBlock(event.text));
  }
  return undefined;
}
