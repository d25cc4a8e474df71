/**
 * The way into a build: mise is asked first, then the modules are loaded that need its answer.
 * @module
 */
import type { BuildPlan } from "../plan/types.ts";
import { askAhead } from "../build/read_projects.ts";
import type { WorkflowContext } from "../context.ts";
import type { BuildRequest, BuildResult } from "../build/types.ts";

/** Loaded late, so that mise is started before they are read. */
const buildModule = () => import("../build/build_image.ts");
const fileModule = () => import("../store/temp_file.ts");

/** Makes the image that a request describes: `makeImage` of `build_image.ts`. */
export async function buildImage(
  request: BuildRequest,
  context: WorkflowContext,
): Promise<BuildResult> {
  await using asked = askAhead(request, context);
  const { makeImage } = await buildModule();
  return await makeImage(request, { ...context, asked });
}

/** What a build would make: `makePlan` of `build_image.ts`. */
export async function planImage(
  request: BuildRequest,
  context: WorkflowContext,
): Promise<BuildPlan> {
  await using asked = askAhead(request, context);
  const { makePlan } = await buildModule();
  return await makePlan(request, { ...context, asked });
}

/** Writes a file that says what was built. @throws {MiseOciError} `io`. */
export async function writeReport(path: string, text: string): Promise<void> {
  const { writeFileAtomic } = await fileModule();
  await writeFileAtomic(path, new TextEncoder().encode(text));
}
