/**
 * What `--dry-run` looks at besides the plan: what a build would stumble over at once.
 * @module
 */
import { resolveImage } from "../image/resolve.ts";
import type { BuildPlan, Project } from "../plan/mod.ts";
import { warnOfForeignTools } from "./embed.ts";
import type { WorkflowContext } from "../context.ts";
import { openSource, selectorOf } from "./open_source.ts";

/** Reads a base on this machine; a registry is not asked. */
async function checkLocalBase(
  { from, platform }: BuildPlan,
  { directory }: Project,
  context: WorkflowContext,
): Promise<void> {
  if (from.kind === "scratch" || from.kind === "registry") return;
  await using opened = await openSource(from, directory, context);
  await resolveImage(opened.store, selectorOf(opened, platform, context));
}

/**
 * Checks what a plan names on this machine.
 *
 * @throws {MiseOciError} as a build would for a base that is not there or not for the platform.
 */
export async function checkPlan(
  project: Project,
  plan: BuildPlan,
  context: WorkflowContext,
): Promise<void> {
  await checkLocalBase(plan, project, context);
  await warnOfForeignTools(project, plan.platform, context);
}
