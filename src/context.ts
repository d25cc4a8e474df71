/**
 * What every workflow gets from its caller, and two ways to listen to its warnings.
 * @module
 */
import type { Reporter } from "./ui/reporter.ts";

/** What every workflow gets from its caller. */
export interface WorkflowContext {
  /** Receives progress, warnings and details. */
  readonly reporter: Reporter;
  /** Aborted on SIGINT, SIGTERM and SIGHUP; everything running stops and cleans up. */
  readonly signal: AbortSignal;
}

/** The same surroundings, in which a warning that was given already is not repeated. */
export function tellOnce<C extends WorkflowContext>(context: C): C {
  const said = new Set<string>();
  const { reporter } = context;
  return {
    ...context,
    reporter: {
      emit: (event) => {
        if (event.type === "warning") {
          if (said.has(event.text)) return;
          said.add(event.text);
        }
        reporter.emit(event);
      },
    },
  };
}

/** The same surroundings, and a list of the warnings that are given in them. */
export function hearWarnings<C extends WorkflowContext>(
  context: C,
): { readonly context: C; readonly warnings: readonly string[] } {
  const warnings: string[] = [];
  const { reporter } = context;
  const emit: WorkflowContext["reporter"]["emit"] = (event) => {
    if (event.type === "warning") warnings.push(event.text, ...event.items ?? []);
    reporter.emit(event);
  };
  return { context: { ...context, reporter: { emit } }, warnings };
}
