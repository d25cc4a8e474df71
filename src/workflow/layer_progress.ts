/**
 * Progress of reading an image's layers.
 * @module
 */
import { describeTitle, type LayerDescription } from "../inspect/mod.ts";
import type { WorkflowContext } from "../context.ts";

/** Reports progress while a layer is read. */
export async function withProgress<T>(
  layer: LayerDescription,
  { reporter }: WorkflowContext,
  work: () => Promise<T>,
): Promise<T> {
  const id = `read ${layer.descriptor.digest}`;
  reporter.emit({ type: "start", id, label: `reading ${describeTitle(layer)}` });
  try {
    const result = await work();
    reporter.emit({ type: "done", id });
    return result;
  } catch (error) {
    reporter.emit({ type: "failed", id });
    throw error;
  }
}
