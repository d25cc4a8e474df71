/**
 * Warnings as part of a result, for programs that read `--json` and not stderr.
 * @module
 */
import type { Output } from "../commands/command.ts";
import { hiddenItems } from "../ui/message.ts";
import type { Reporter, WarningEvent } from "../ui/reporter.ts";

/** A reporter that also collects warnings. */
export interface NotingReporter extends Reporter {
  /** Ends what is drawn. */
  stop(): void;
  /** The warnings so far, each once, in their order. */
  readonly warnings: readonly string[];
}

/** A warning with its complete list. */
function wholeText(event: WarningEvent): string {
  const items = hiddenItems(event);
  return items.length === 0 ? event.text : `${event.text}: ${items.join(", ")}`;
}

/** Collects the warnings that pass through a reporter; a repeated one, as of a second destination, is dropped. */
export function noteWarnings(reporter: Reporter & { stop(): void }): NotingReporter {
  const warnings: string[] = [];
  return {
    warnings,
    emit: (event) => {
      const text = event.type === "warning" ? wholeText(event) : undefined;
      if (text !== undefined) {
        if (warnings.includes(text)) return;
        warnings.push(text);
      }
      reporter.emit(event);
    },
    stop: () => reporter.stop(),
  };
}

/** The same output, its JSON with the field `warnings`. */
export function withWarnings(output: Output, warnings: readonly string[]): Output {
  return {
    text: (columns) => output.text(columns),
    json: () => {
      const result = output.json();
      return typeof result === "object" && result !== null ? { ...result, warnings } : result;
    },
  };
}
