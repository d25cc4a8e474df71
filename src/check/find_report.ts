/**
 * The report of an image: the modules that look into one are read only if it was not checked before.
 * @module
 */
import type { WorkflowContext } from "../context.ts";
import type { Cache } from "../store/cache.ts";
import { type CheckedImage, maybeKeptReport } from "./checked_image.ts";
import type { CheckReport } from "./mod.ts";

/** The check of an image that has not been checked. */
const layersModule = () => import("./check_layers.ts");

/**
 * The report of an image: kept, or made now.
 *
 * @returns `undefined` if a layer is not here to be looked at.
 * @throws {MiseOciError} for layers that are damaged.
 */
export async function findReport(
  image: CheckedImage,
  cache: Cache,
  context: WorkflowContext,
): Promise<CheckReport | undefined> {
  return await maybeKeptReport(image, cache) ??
    await (await layersModule()).checkLayers(image, cache, context);
}
