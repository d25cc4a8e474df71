/**
 * The mise executable that goes into an image: this machine's own, one that the user names for the
 * platform, or the one of mise's release.
 * @module
 */
import { MiseOciError } from "../errors.ts";
import { formatPlatform, type Platform } from "../oci/mod.ts";
import type { Project } from "../plan/mod.ts";
import type { ImageInput } from "./plan_images.ts";
import { isHostPlatform } from "./environment.ts";
import { decideEmbedding, type EmbedDecision } from "./executables.ts";
import type { WorkflowContext } from "../context.ts";

/** mise of another platform. */
const releaseModule = () => import("./choose_release.ts");

/** What {@linkcode chooseMise} depends on besides the project. */
export interface ChooseMiseOptions {
  /** The flags. */
  readonly request: ImageInput;
  /** The image's platform. */
  readonly platform: Platform;
  /** Whether a release may be downloaded; without, the plan names where it would come from. */
  readonly download: boolean;
}

/**
 * Decides which mise is embedded.
 *
 * @throws {MiseOciError} `usage` for a file of `--mise-binary` that is missing or of another platform;
 * `integrity` for a release that is not what its page announces.
 */
export async function chooseMise(
  project: Project,
  options: ChooseMiseOptions,
  context: WorkflowContext,
): Promise<EmbedDecision> {
  const { request, platform } = options;
  if (!request.embedMise) return {};
  const { misePath, miseVersion: version } = project;
  const named = request.miseBinaries?.findLast((binary) =>
    binary.platform.os === platform.os && binary.platform.architecture === platform.architecture
  );
  if (named === undefined) {
    const decision = await decideEmbedding("mise", { path: misePath, version, platform });
    if (decision.warning === undefined || isHostPlatform(platform)) return decision;
    return await (await releaseModule()).chooseRelease(project, options, context);
  }
  const fail = (why: string): never => {
    throw new MiseOciError(
      "usage",
      `Cannot use --mise-binary ${JSON.stringify(named.path)}: ${why}`,
      {
        hint: `Give the mise executable for ${formatPlatform(platform)}`,
      },
    );
  };
  try {
    const decision = await decideEmbedding("mise", { path: named.path, version, platform });
    return decision.warning === undefined ? decision : fail(decision.warning);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return fail("no such file");
    if (error instanceof Deno.errors.IsADirectory) return fail("it is a directory");
    throw error;
  }
}
