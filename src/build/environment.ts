/**
 * What a build takes from the host: nothing but defaults, read once and passed on.
 * @module
 */
import { normalizePlatform, type Platform } from "../oci/mod.ts";

/** Reads an environment variable; one that is empty counts as unset. */
export function hostEnv(name: string): string | undefined {
  const value = Deno.env.get(name);
  return value === "" ? undefined : value;
}

/** The platform of images when no flag names one: Linux on the host's architecture. */
export function defaultPlatform(): Platform {
  return normalizePlatform({ os: "linux", architecture: Deno.build.arch });
}

/** Whether programs of a platform are this machine's own. */
export function isHostPlatform({ os, architecture }: Platform): boolean {
  const host = normalizePlatform({ os: Deno.build.os, architecture: Deno.build.arch });
  return os === host.os && architecture === host.architecture;
}

/** Number of things done at once when no flag says. */
export function defaultJobs(): number {
  return Math.max(1, navigator.hardwareConcurrency);
}
