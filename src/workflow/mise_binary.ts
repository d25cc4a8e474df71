/**
 * The mise executable that goes into an image: this machine's own, or one that the user names for the
 * platform.
 * @module
 */
import { MiseOciError } from "../errors.ts";
import { formatPlatform, type Platform } from "../oci/mod.ts";
import type { Project } from "../plan/mod.ts";
import type { ImageInput } from "./build_image.ts";
import { isHostPlatform } from "./environment.ts";
import { decideEmbedding, type EmbedDecision } from "./executables.ts";

/**
 * Decides which mise is embedded.
 *
 * @throws {MiseOciError} `usage` for a file of `--mise-binary` that is missing or of another platform.
 */
export async function chooseMise(
  project: Project,
  request: ImageInput,
  platform: Platform,
): Promise<EmbedDecision> {
  if (!request.embedMise) return {};
  const { misePath, miseVersion: version } = project;
  const named = request.miseBinaries?.findLast((binary) =>
    binary.platform.os === platform.os && binary.platform.architecture === platform.architecture
  );
  if (named === undefined) {
    const decision = await decideEmbedding("mise", { path: misePath, version, platform });
    if (decision.warning === undefined || isHostPlatform(platform)) return decision;
    const flag = `--mise-binary ${formatPlatform(platform)}=FILE`;
    return { warning: `${decision.warning} (${flag} gives one for it, --no-mise none)` };
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
