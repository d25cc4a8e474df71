/**
 * The reporter for the terminal at hand: lines of text, or a display that is redrawn.
 * @module
 */
import type { Colors } from "./color.ts";
import { escapeLine } from "./text.ts";
import { formatBytes, formatDuration } from "./format.ts";
import { messageLine, type MessageOptions } from "./message.ts";
import { initialProgress, progressReducer, type ProgressState } from "./progress_state.ts";
import type { Reporter, ReportEvent } from "./reporter.ts";

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

/** Loaded late: scripts have no terminal. */
const terminalModule = () => import("./terminal_reporter.ts");

/** A reporter that must be stopped at the end. */
export interface StoppableReporter extends Reporter {
  /** Restores the terminal; later events are dropped or printed as plain lines. */
  stop(): void;
}

/** What decides which one. */
export interface ReporterOptions {
  /** `--progress`. */
  readonly progress: "auto" | "plain" | "none";
  /** `--quiet`. */
  readonly quiet: boolean;
  /** Number of `-v`. */
  readonly verbosity: number;
  /** Colours for stderr. */
  readonly colors: Colors;
  /** Whether lines on stderr can be overwritten. */
  readonly canDraw: boolean;
  /** Writes to stderr. */
  readonly write: (text: string) => void;
  /** Size of the terminal. */
  readonly size: () => { readonly columns: number; readonly rows: number } | undefined;
}

function every(milliseconds: number, tick: () => void): () => void {
  const timer = setInterval(tick, milliseconds);
  Deno.unrefTimer(timer);
  return () => clearInterval(timer);
}

export async function makeReporter(options: ReporterOptions): Promise<StoppableReporter> {
  const { progress, quiet, verbosity, colors, canDraw, write } = options;
  const common = { colors, verbosity, quiet, write, now: () => performance.now() };
  if (progress === "auto" && canDraw && !quiet) {
    const size = (): { columns: number; rows: number } =>
      options.size() ?? { columns: 80, rows: 24 };
    // Without permission to read, the command reports a better error than a failed import.
    const terminal = await terminalModule().catch(() => undefined);
    if (terminal !== undefined) return new terminal.TerminalReporter({ ...common, size, every });
  }
  return new PlainReporter({ ...common, progress: progress !== "none" });
}
