/**
 * Inputs of a build from the host: defaults, environment variables and the time.
 * @module
 */
import { MiseOciError } from "../../errors.ts";
import { normalizePlatform, type Platform } from "../../oci/mod.ts";
import { ownEnv } from "../../own_secrets.ts";

/** Reads an environment variable; one that is empty counts as unset. */
export function hostEnv(name: string): string | undefined {
  const value = ownEnv(name);
  return value === "" ? undefined : value;
}

/** The platform of images when no flag names one: Linux on the host's architecture. */
export function defaultPlatform(): Platform {
  return normalizePlatform({ os: "linux", architecture: Deno.build.arch });
}

/** Whether a platform is the host platform. */
export function isHostPlatform({ os, architecture }: Platform): boolean {
  const host = normalizePlatform({ os: Deno.build.os, architecture: Deno.build.arch });
  return os === host.os && architecture === host.architecture;
}

/** Number of concurrent jobs if no flag sets it. */
export function defaultJobs(): number {
  return Math.max(1, navigator.hardwareConcurrency);
}

/** The last second with a four-digit year, as RFC 3339 requires. */
const MAX_SECONDS = 253402300799;

/**
 * The time of the build as RFC 3339 in UTC, whole seconds: `SOURCE_DATE_EPOCH` if it is set, else now.
 *
 * @param epoch value of `SOURCE_DATE_EPOCH`
 * @param now milliseconds since 1970
 * @throws {MiseOciError} `usage` if the value is not a whole number of seconds from 0 to the year 9999.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { buildTimestamp } from "./environment.ts";
 *
 * assertEquals(buildTimestamp("0", Date.now()), "1970-01-01T00:00:00Z");
 * ```
 */
export function buildTimestamp(epoch: string | undefined, now: number): string {
  if (epoch === undefined) return encode(Math.floor(now / 1000));
  if (!/^\d{1,12}$/.test(epoch) || Number(epoch) > MAX_SECONDS) {
    const why = epoch === "" ? "it is empty" : "whole seconds since 1970 expected";
    throw new MiseOciError(
      "usage",
      `Cannot use SOURCE_DATE_EPOCH ${JSON.stringify(epoch)}: ${why}`,
      { hint: "Set it to the output of: git log -1 --format=%ct, or unset it" },
    );
  }
  return encode(Number(epoch));
}

function encode(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace(/\.\d+Z$/, "Z");
}
