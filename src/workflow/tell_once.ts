/**
 * Nothing is said twice: neither what several platforms of one build have in common, nor what another step
 * said already.
 * @module
 */
import type { WorkflowContext } from "./types.ts";

/** The same surroundings, in which a warning that was given already is not repeated. */
export function tellOnce(context: WorkflowContext): WorkflowContext {
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
export function hearWarnings(
  context: WorkflowContext,
): { readonly context: WorkflowContext; readonly warnings: readonly string[] } {
  const warnings: string[] = [];
  const { reporter } = context;
  const emit: WorkflowContext["reporter"]["emit"] = (event) => {
    if (event.type === "warning") warnings.push(event.text);
    reporter.emit(event);
  };
  return { context: { ...context, reporter: { emit } }, warnings };
}
