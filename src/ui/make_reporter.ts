/**
 * The reporter that fits the flags and the terminal.
 * @module
 */
import type { Colors } from "./color.ts";
import { PlainReporter } from "./plain_reporter.ts";
import type { Reporter } from "./reporter.ts";

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
