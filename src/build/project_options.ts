/**
 * From the flags to what mise is asked: the same ahead of a build and in it.
 * @module
 */
import { join } from "@std/path";
import type { ForeignPlatform } from "../mise/foreign_platform.ts";
import type { ProjectOptions } from "../mise/project.ts";
import type { Platform } from "../oci/mod.ts";
import { cacheDirectory } from "../store/cache_directory.ts";
import { defaultPlatform, hostEnv, isHostPlatform } from "./environment.ts";
import type { ProjectRequest } from "./types.ts";

/** Which platforms a project is asked about. */
export interface PlatformRequest {
  /** The platform, if another than this machine's is asked for. */
  readonly platform?: Platform;
  /** The same for several. */
  readonly platforms?: readonly Platform[];
}

/** The platforms asked for; this machine's if none is. */
export function requestedPlatforms(
  { platform = defaultPlatform(), platforms = [platform] }: PlatformRequest,
): readonly Platform[] {
  return platforms;
}

/** This machine's own among some platforms, which is asked about and installed first, and the others. */
export function partPlatforms(
  platforms: readonly Platform[],
): { readonly own: readonly Platform[]; readonly others: readonly Platform[] } {
  return {
    own: platforms.filter(isHostPlatform),
    others: platforms.filter((platform) => !isHostPlatform(platform)),
  };
}

/** The data directory of a platform that this machine is not of; `undefined` for its own. */
function maybeForeign(platform: Platform): ForeignPlatform | undefined {
  if (isHostPlatform(platform)) return undefined;
  const { os, architecture } = platform;
  const directory = join(cacheDirectory(hostEnv), "platforms", `${os}-${architecture}`);
  return { platform, directory };
}

/**
 * How mise is asked about a project for one platform.
 *
 * @throws {MiseOciError} `usage` if another platform's tools have no place.
 */
export function projectOptions(request: ProjectRequest, platform: Platform): ProjectOptions {
  const { directory, includeGlobal, install, misePath, miseEnv, yes, locked, without } = request;
  const foreign = maybeForeign(platform);
  return {
    directory,
    includeGlobal,
    install,
    platform,
    ...(foreign === undefined ? {} : { foreign }),
    ...(misePath === undefined ? {} : { misePath }),
    ...(miseEnv === undefined ? {} : { miseEnv }),
    ...(locked === undefined ? {} : { locked }),
    ...(without === undefined ? {} : { without }),
    ...(yes === undefined ? {} : { yes }),
  };
}
