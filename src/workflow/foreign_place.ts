/**
 * Where mise keeps the tools of a platform that this machine is not of.
 * @module
 */
import { join } from "@std/path";
import type { ForeignPlatform } from "../mise/foreign_platform.ts";
import type { Platform } from "../oci/mod.ts";
import { cacheDirectory } from "../store/cache_directory.ts";
import { hostEnv, isHostPlatform } from "./environment.ts";

/** The data directory of a platform that this machine is not of; `undefined` for its own. */
export function maybeForeign(platform: Platform): ForeignPlatform | undefined {
  if (isHostPlatform(platform)) return undefined;
  const { os, architecture } = platform;
  const directory = join(cacheDirectory(hostEnv), "platforms", `${os}-${architecture}`);
  return { platform, directory };
}
