/**
 * The mise executable that goes into an image: this machine's own, one that the user names for the
 * platform, or the one of mise's release.
 * @module
 */
import { MiseOciError } from "../errors.ts";
import { maybeMiseRelease, type MiseRelease } from "../mise/mod.ts";
import { formatPlatform, type Platform } from "../oci/mod.ts";
import type { Project } from "../plan/mod.ts";
import type { ImageInput } from "./plan_images.ts";
import { openBuildCache } from "./build_cache.ts";
import { hostEnv, isHostPlatform } from "./environment.ts";
import { decideEmbedding, type EmbedDecision } from "./executables.ts";
import { downloadRelease, maybeCachedRelease } from "./mise_release.ts";
import type { WorkflowContext } from "./types.ts";

/** What {@linkcode chooseMise} depends on besides the project. */
export interface ChooseMiseOptions {
  /** The flags. */
  readonly request: ImageInput;
  /** The image's platform. */
  readonly platform: Platform;
  /** Whether a release may be downloaded; without, the plan names where it would come from. */
  readonly download: boolean;
}

/** Failures for which an image goes without mise; a wrong checksum is none of them. */
const UNAVAILABLE: readonly string[] = ["network", "permission", "invalid", "not-found"];

/**
 * The mise of a release, from the cache or downloaded.
 *
 * @returns its path; or why there is none.
 */
async function obtainRelease(
  release: MiseRelease,
  { project, download }: { readonly project: Project; readonly download: boolean },
  context: WorkflowContext,
): Promise<{ readonly path: string } | { readonly why: string }> {
  const cache = await openBuildCache(context);
  const cached = await maybeCachedRelease(release, cache);
  if (cached !== undefined) return { path: cached };
  if (project.settings.offline === true) return { why: 'mise\'s setting "offline" is on' };
  if (!download) return { path: release.url.href };
  try {
    return { path: await downloadRelease(release, { cache }, context) };
  } catch (error) {
    if (!(error instanceof MiseOciError) || !UNAVAILABLE.includes(error.code)) throw error;
    return { why: error.message };
  }
}

/** mise for a platform that this machine is not of. */
async function chooseRelease(
  project: Project,
  { platform, download }: ChooseMiseOptions,
  context: WorkflowContext,
): Promise<EmbedDecision> {
  const { miseVersion: version, settings } = project;
  const name = formatPlatform(platform);
  const none = (why: string): EmbedDecision => ({
    warning: `mise is left out of the image for ${name}: ${why} ` +
      `(--mise-binary ${name}=FILE gives one for it, --no-mise none)`,
  });
  const release = maybeMiseRelease(version, platform, {
    libc: hostEnv("MISE_LIBC"),
    ...(settings.urlReplacements === undefined ? {} : { replacements: settings.urlReplacements }),
  });
  if (release === undefined) return none("mise is not released for it");
  const found = await obtainRelease(release, { project, download }, context);
  if ("why" in found) return none(found.why);
  if (found.path === release.url.href) return { executable: { path: found.path, version } };
  return await decideEmbedding("mise", { path: found.path, version, platform });
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
    return await chooseRelease(project, options, context);
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
