/**
 * The check of an existing image, which may come from another builder.
 * @module
 */
import { MiseOciError } from "../errors.ts";
import type { Image } from "../image/types.ts";
import { openBuildCache } from "../build/build_cache.ts";
import { foundImage, isSilent, openFrom } from "../check/checked_image.ts";
import { findReport } from "../check/find_report.ts";
import type { CheckMode } from "../check/report_problems.ts";
import type { WorkflowContext } from "../context.ts";

/** Imported on demand: most images have no problems. */
const problemsModule = () => import("../check/report_problems.ts");

/**
 * Checks an image before it is run or pushed. An image whose files cannot be read may still be run or
 * pushed; only a strict check fails then.
 *
 * @throws {MiseOciError} `check` if there are problems and the check is strict.
 */
export async function checkFound(
  image: Image,
  check: CheckMode,
  context: WorkflowContext,
): Promise<void> {
  if (check === "off") return;
  try {
    const cache = await openBuildCache(context);
    const named = { ...image, name: image.tag ?? image.descriptor.digest };
    const report = await findReport(foundImage(named, openFrom(image.source)), cache, context);
    if (report === undefined || isSilent(report)) return;
    (await problemsModule()).reportProblems(report, { check, fixable: false }, context);
  } catch (error) {
    if (check === "strict" || !(error instanceof MiseOciError) || context.signal.aborted) {
      throw error;
    }
    const text = `The image is not checked: ${error.message}`;
    context.reporter.emit({ type: "detail", level: 1, text });
  }
}
