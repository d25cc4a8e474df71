/**
 * The mise of its release, for an image of a platform that this machine is not of.
 * @module
 */
import { MiseOciError } from "../errors.ts";
import { maybeMiseRelease, type MiseRelease } from "../mise/release.ts";
import { formatPlatform } from "../oci/mod.ts";
import type { Project } from "../plan/mod.ts";
import { openBuildCache } from "./build_cache.ts";
import { hostEnv } from "./environment.ts";
import { decideEmbedding, type EmbedDecision } from "./executables.ts";
import type { ChooseMiseOptions } from "./mise_binary.ts";
import { downloadRelease, maybeCachedRelease } from "./mise_release.ts";
import type { WorkflowContext } from "../context.ts";

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

/** Decides whether the release's mise is embedded; the warning says why not. */
export async function chooseRelease(
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
