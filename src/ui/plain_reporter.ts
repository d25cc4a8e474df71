/**
 * Progress without a terminal: one line for each step, and for each item when it begins and ends.
 * @module
 */
import { escapeLine } from "./escape.ts";
import { formatBytes, formatDuration } from "./format.ts";
import { messageLine, type MessageOptions } from "./message.ts";
import { initialProgress, progressReducer, type ProgressState } from "./progress_state.ts";
import type { ReportEvent } from "./reporter.ts";

/** What the driver needs. */
export interface PlainOptions extends MessageOptions {
  /** Writes at once. */
  readonly write: (text: string) => void;
  /** Milliseconds. */
  readonly now: () => number;
  /** Whether steps and items are written, or only messages. */
  readonly progress: boolean;
}

/** The driver; a {@linkcode StoppableReporter}. */
export class PlainReporter {
  readonly #options: PlainOptions;
  #state: ProgressState = initialProgress;

  /** Writes nothing before the first event. */
  constructor(options: PlainOptions) {
    this.#options = options;
  }

  /** Writes the line for an event, if it has one. */
  emit(event: ReportEvent): void {
    this.#state = progressReducer(this.#state, event, this.#options.now());
    const line = messageLine(event, this.#options) ??
      (this.#options.progress && !this.#options.quiet ? this.#progressLine(event) : undefined);
    if (line !== undefined) this.#options.write(`${line}\n`);
  }

  /** There is nothing to erase. */
  stop(): void {}

  #progressLine(event: ReportEvent): string | undefined {
    if (event.type === "step") return escapeLine(event.text);
    if (event.type === "start") {
      const size = event.total === undefined ? "" : ` (${formatBytes(event.total)})`;
      return `  ${escapeLine(event.label)}${size} ...`;
    }
    if (event.type !== "done" && event.type !== "failed") return undefined;
    const item = this.#state.items.get(event.id);
    if (item === undefined) return undefined;
    const { label, bytes, startedAt, endedAt = startedAt, note } = item;
    const facts = [
      event.type === "failed" ? "failed" : note ?? "done",
      ...(bytes > 0 ? [formatBytes(bytes)] : []),
      formatDuration(endedAt - startedAt),
    ];
    return `  ${escapeLine(label)}: ${facts.map(escapeLine).join(", ")}`;
  }
}
