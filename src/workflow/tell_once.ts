/**
 * Warnings that several platforms of one build have in common are said once.
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
