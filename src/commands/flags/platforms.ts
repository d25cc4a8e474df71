/**
 * `--platform` for builds, which can be repeated, and the mise executables for other platforms.
 * @module
 */
import { MiseOciError } from "../../errors.ts";
import { formatPlatform, parsePlatform, type Platform } from "../../oci/platform.ts";
import type { MiseBinary } from "../../build/types.ts";
import type { TransientBuild } from "../../build/types.ts";
import { type FlagTable, inGroup, listFlag, type Place } from "../flag.ts";

/** The most common platforms. */
export const COMMON_PLATFORMS: readonly string[] = ["linux/amd64", "linux/arm64", "linux/arm/v7"];

/** Parses `OS/ARCH[,OS/ARCH]…`. @throws {MiseOciError} `usage`. */
function parsePlatforms(text: string): readonly Platform[] {
  return text.split(",").map((one) => parsePlatform(one.trim()));
}

/** Parses `OS/ARCH=FILE`. @throws {MiseOciError} `usage`. */
function parseMiseBinary(text: string, place: Place): MiseBinary {
  const at = text.indexOf("=");
  const path = text.slice(at + 1);
  if (at > 0 && path !== "") {
    return { platform: parsePlatform(text.slice(0, at)), path: place.resolve(path) };
  }
  throw new MiseOciError("usage", `Cannot parse ${JSON.stringify(text)}: OS/ARCH=FILE expected`, {
    hint: "Write the platform and the executable for it, such as linux/arm64=./mise-arm64",
  });
}

/** The flags. */
export const PLATFORMS_FLAGS = inGroup("Build flags", {
  platform: listFlag({
    valueName: "OS/ARCH[,…]",
    suggestions: COMMON_PLATFORMS,
    defaultText: "linux on this machine's architecture",
    help: "Target platform; several platforms produce an index with an image for each",
    parse: parsePlatforms,
  }),
  "mise-binary": listFlag({
    valueName: "OS/ARCH=FILE",
    completes: "file",
    help: "The mise executable for the image of a platform other than this machine's",
    defaultText: "the one of mise's release",
    parse: parseMiseBinary,
  }),
}) satisfies FlagTable;

/** The requested platforms, without duplicates. */
function distinctPlatforms(given: readonly (readonly Platform[])[]): readonly Platform[] {
  return [...new Map(given.flat().map((one) => [formatPlatform(one), one])).values()];
}

/** The part of a build request for platforms. */
export function platformsRequest(
  given: readonly (readonly Platform[])[],
): Pick<TransientBuild, "platform" | "platforms"> {
  const [first, ...others] = distinctPlatforms(given);
  if (first === undefined) return {};
  return others.length === 0 ? { platform: first } : { platforms: [first, ...others] };
}

/**
 * The requested platform, if any. @throws {MiseOciError} `usage` for several, naming the flag or command.
 */
export function maybeOnePlatform(
  given: readonly (readonly Platform[])[],
  what: string,
): Platform | undefined {
  const [first, ...others] = distinctPlatforms(given);
  if (others.length === 0) return first;
  throw new MiseOciError("usage", `Cannot use several platforms with ${what}`, {
    hint: "Name one --platform",
  });
}
