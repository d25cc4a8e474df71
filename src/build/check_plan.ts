/**
 * What `--dry-run` looks at besides the plan: what a build would stumble over at once.
 * @module
 */
import { resolve } from "@std/path";
import type { BuildPlan, Project } from "../plan/mod.ts";
import { checkArchiveFile, openLayout } from "../store/mod.ts";
import { warnOfForeignTools } from "./executables.ts";
import type { WorkflowContext } from "../context.ts";

/** A base on this machine is looked at; a registry is not asked. */
async function checkLocalBase(
  { from, platform }: BuildPlan,
  { directory }: Project,
): Promise<void> {
  if (from.kind === "archive") await checkArchiveFile(resolve(directory, from.path));
  if (from.kind !== "layout") return;
  const layout = await openLayout(resolve(directory, from.path));
  const { tag } = from;
  await layout.resolve({ platform, ...(tag === undefined ? {} : { tag }) });
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
  await checkLocalBase(plan, project);
  await warnOfForeignTools(project, plan.platform, context);
}
