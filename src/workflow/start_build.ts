/**
 * Starts a build: mise is started first, then the modules that need its output are loaded.
 * @module
 */
import type { BuildPlan } from "../plan/types.ts";
import { askAhead } from "../build/host/read_projects.ts";
import type { WorkflowContext } from "../context.ts";
import type { BuildRequest, BuildResult } from "../build/types.ts";

/** Imported on demand, so that mise is started first. */
const buildModule = () => import("../build/build_image.ts");
const outputModule = () => import("../store/output.ts");

/** Builds the image of a request with `makeImage` of `build_image.ts`. */
export async function buildImage(
  request: BuildRequest,
  context: WorkflowContext,
): Promise<BuildResult> {
  await using asked = askAhead(request, context);
  const { makeImage } = await buildModule();
  return await makeImage(request, { ...context, asked });
}

/** Plans a build with `makePlan` of `build_image.ts`. */
export async function planImage(
  request: BuildRequest,
  context: WorkflowContext,
): Promise<BuildPlan> {
  await using asked = askAhead(request, context);
  const { makePlan } = await buildModule();
  return await makePlan(request, { ...context, asked });
}

/** Reports before a build that its metadata or digest file cannot be written. @throws {MiseOciError} `io`. */
export async function checkReport(path: string): Promise<void> {
  const { checkOutputFile } = await outputModule();
  await checkOutputFile(path);
}

/** Writes the metadata or digest file of a build. @throws {MiseOciError} `io`. */
export async function writeReport(path: string, text: string): Promise<void> {
  const { writeOutput } = await outputModule();
  await writeOutput(path, (sink) => sink.write(new TextEncoder().encode(text)));
}
