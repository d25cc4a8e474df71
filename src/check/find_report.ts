/**
 * Finds the report of an image; the modules for checking are only loaded without a cached report.
 * @module
 */
import type { WorkflowContext } from "../context.ts";
import type { Cache } from "../store/cache.ts";
import { type CheckedImage, maybeKeptReport } from "./checked_image.ts";
import type { CheckReport } from "./mod.ts";

/** Imported on demand, for images without a cached report. */
const layersModule = () => import("./check_layers.ts");

/**
 * The report of an image, from the cache or from a new check.
 *
 * @returns `undefined` if a layer is not available.
 * @throws {MiseOciError} for damaged layers.
 */
export async function findReport(
  image: CheckedImage,
  cache: Cache,
  context: WorkflowContext,
): Promise<CheckReport | undefined> {
  return await maybeKeptReport(image, cache) ??
    await (await layersModule()).checkLayers(image, cache, context);
}
