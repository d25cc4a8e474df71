/**
 * Progress on a terminal: draws the lines of {@linkcode renderProgress} over the previous ones.
 *
 * The cursor is hidden and shown again within one write, so that no way of ending the program, kill -9
 * included, leaves a terminal without a cursor.
 * @module
 */
import { messageLine, type MessageOptions } from "./message.ts";
import {
  initialProgress,
  measureRate,
  progressReducer,
  type ProgressState,
} from "./progress_state.ts";
import { renderProgress } from "./render.ts";
import type { ReportEvent } from "./reporter.ts";
import { fold, SEQUENCE } from "./text.ts";
import { textWidth } from "./width.ts";

/** What the driver needs of the terminal. */
export interface TerminalOptions extends MessageOptions {
  /** Writes at once. */
  readonly write: (text: string) => void;
  /** Its size in characters. */
  readonly size: () => { readonly columns: number; readonly rows: number };
  /** Milliseconds. */
  readonly now: () => number;
  /**
   * Calls back at this interval in milliseconds without keeping the program alive; returns a function that
   * stops it.
   */
  readonly every: (milliseconds: number, tick: () => void) => () => void;
}

const FRAME_MS = 100;
const HIDE_CURSOR = "\x1b[?25l";
const SHOW_CURSOR = "\x1b[?25h";

/** The driver; a {@linkcode StoppableReporter}. */
export class TerminalReporter {
  readonly #options: TerminalOptions;
  #state: ProgressState = initialProgress;
  #drawn: readonly string[] = [];
  #stopTimer: (() => void) | undefined;
  #stopped = false;

  /** Draws nothing before the first event. */
  constructor(options: TerminalOptions) {
    this.#options = options;
  }

  /** Handles an event; messages are immediately written above the progress. */
  emit(event: ReportEvent): void {
    if (this.#stopped) return;
    this.#state = progressReducer(this.#state, event, this.#options.now());
    const message = messageLine(event, this.#options);
    if (message !== undefined) {
      this.#write(`${fold(message, this.#options.size().columns)}\n`, this.#drawn);
    }
    if (event.type === "suspend") this.draw();
    this.#stopTimer ??= this.#options.every(FRAME_MS, () => this.draw());
  }

  /** Draws a frame. */
  draw(): void {
    if (this.#stopped) return;
    const now = this.#options.now();
    this.#state = measureRate(this.#state, now);
    const { columns, rows } = this.#options.size();
    const { colors } = this.#options;
    const lines = renderProgress(this.#state, { columns, rows, now, colors });
    const same = lines.length === this.#drawn.length &&
      lines.every((line, at) => line === this.#drawn[at]);
    if (!same) this.#write("", lines);
  }

  /** Erases the progress; what was written above it stays. */
  stop(): void {
    if (this.#stopped) return;
    this.#stopTimer?.();
    this.#write("", []);
    this.#stopped = true;
  }

  /** In one write: goes up and erases what was drawn, writes the text, and draws the lines below it. */
  #write(above: string, lines: readonly string[]): void {
    const columns = Math.max(1, this.#options.size().columns);
    // A terminal that became narrower has wrapped the lines.
    const height = this.#drawn.reduce(
      (sum, line) =>
        sum + Math.max(1, Math.ceil(textWidth(line.replaceAll(SEQUENCE, "")) / columns)),
      0,
    );
    const erase = height === 0 ? "" : `\x1b[${height}A\r\x1b[0J`;
    const body = lines.map((line) => `${line}\n`).join("");
    if (erase + above + body !== "") {
      this.#options.write(`${HIDE_CURSOR}${erase}${above}${body}${SHOW_CURSOR}`);
    }
    this.#drawn = lines;
  }
}
