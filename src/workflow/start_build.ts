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

/** As `buildImage` of `build_image.ts`. */
export async function buildImage(
  request: BuildRequest,
  context: WorkflowContext,
): Promise<BuildResult> {
  await using asked = askAhead(request, context);
  const { buildImage } = await buildModule();
  return await buildImage(request, { ...context, asked });
}

/** As `planImage` of `build_image.ts`. */
export async function planImage(
  request: BuildRequest,
  context: WorkflowContext,
): Promise<BuildPlan> {
  await using asked = askAhead(request, context);
  const { planImage } = await buildModule();
  return await planImage(request, { ...context, asked });
}
