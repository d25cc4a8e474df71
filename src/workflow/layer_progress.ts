/**
 * Progress of reading an image's layers.
 * @module
 */
import { type LayerFacts, layerTitle } from "../inspect/mod.ts";
import type { WorkflowContext } from "../context.ts";

/** Reports that a layer is read, until the work on it ends. */
export async function withProgress<T>(
  layer: LayerFacts,
  { reporter }: WorkflowContext,
  work: () => Promise<T>,
): Promise<T> {
  const id = `read ${layer.descriptor.digest}`;
  reporter.emit({ type: "start", id, label: `reading ${layerTitle(layer)}` });
  try {
    const result = await work();
    reporter.emit({ type: "done", id });
    return result;
  } catch (error) {
    reporter.emit({ type: "failed", id });
    throw error;
  }
}
