/**
 * The flags of what works on an image, whether it builds it or finds it in a layout.
 * @module
 */
import { MiseOciError } from "../../errors.ts";
import type { ImageRequest } from "../../workflow/types.ts";
import type { CommandContext, CommandInput } from "../command.ts";
import { type FlagTable, inGroup, type Place, valueFlag } from "../flag.ts";
import { parseName } from "../values/numbers.ts";
import { maybeOnePlatform } from "./platforms.ts";
import { BUILD_FLAGS, buildRequest, CHECK_FLAGS, checkMode, given } from "./build.ts";

/** The absolute path of a directory on the command line. @throws {MiseOciError} `usage`. */
export function parseDirectory(text: string, place: Place): string {
  return place.resolve(parseName(text));
}

/** `--image-dir` and everything that a build takes. */
export const IMAGE_FLAGS = {
  ...inGroup("Image flags", {
    "image-dir": valueFlag({
      valueName: "DIR",
      completes: "directory",
      help: "Take the image of this layout instead of building one",
      parse: parseDirectory,
    }),
  }),
  ...BUILD_FLAGS,
} as const satisfies FlagTable;

/** Flags of a build that mean something to an image that is already there. */
const ALSO_FOUND: ReadonlySet<string> = new Set(["platform", ...Object.keys(CHECK_FLAGS)]);

/**
 * The image that the flags ask for.
 *
 * @throws {MiseOciError} `usage` if `--image-dir` comes with flags that only a build can follow.
 */
export function imageRequest(
  input: CommandInput<typeof IMAGE_FLAGS>,
  context: Pick<CommandContext, "place">,
): ImageRequest {
  const directory = input.flags["image-dir"];
  if (directory === undefined) return { kind: "build", build: buildRequest(input, context) };
  const ofBuild = Object.keys(BUILD_FLAGS).filter((name) =>
    !ALSO_FOUND.has(name) && input.given.has(name)
  );
  if (ofBuild.length > 0) {
    const names = ofBuild.map((name) => `--${name}`).join(", ");
    throw new MiseOciError("usage", `Cannot use ${names} together with --image-dir`, {
      hint: "An image that is already built cannot be changed: leave one of the two out",
    });
  }
  const check = checkMode(input.flags);
  const platform = maybeOnePlatform(input.flags.platform, "--image-dir");
  return { kind: "layout", directory, check, ...given("platform", platform) };
}
