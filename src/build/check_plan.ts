/**
 * Additional checks of `--dry-run`: problems that would stop a build immediately.
 * @module
 */
import { resolveImage } from "../image/resolve.ts";
import type { BuildPlan, Project } from "../plan/mod.ts";
import { warnOfForeignTools } from "./host/embed.ts";
import type { WorkflowContext } from "../context.ts";
import { openSource, selectorOf } from "./base/open_source.ts";

/** Reads a base from this machine; registries are not contacted. */
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
 * Checks what a plan refers to on this machine.
 *
 * @throws {MiseOciError} as a build would, for a base that does not exist or is for another platform.
 */
export async function checkPlan(
  project: Project,
  plan: BuildPlan,
  context: WorkflowContext,
): Promise<void> {
  await checkLocalBase(plan, project, context);
  await warnOfForeignTools(project, plan.platform, context);
}
