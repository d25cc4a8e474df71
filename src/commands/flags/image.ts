/**
 * The flags of commands that build an image or use an existing one.
 * @module
 */
import type { TransientBuild } from "../../build/types.ts";
import { MiseOciError } from "../../errors.ts";
import type { ImageSource } from "../../oci/image_source.ts";
import type { ImageRequest } from "../../workflow/types.ts";
import type { CommandContext, CommandInput } from "../command.ts";
import { choiceFlag, type FlagTable, type FlagValues, inGroup, valueFlag } from "../flag.ts";
import { parseImage } from "../values/image.ts";
import { BUILD_FLAGS, buildRequest, CHECK_FLAGS, checkMode, given } from "./build.ts";
import { maybeOnePlatform } from "./platforms.ts";

/** `--engine`. */
export const ENGINE_FLAG = inGroup("Engine flags", {
  engine: choiceFlag(["auto", "podman", "docker"], {
    help: "Container engine; auto prefers podman",
  }),
});

/** `--image`, and its former name. */
export const NAMED_IMAGE_FLAGS = inGroup("Image flags", {
  image: valueFlag({
    valueName: "IMAGE",
    completes: "image",
    help: "Use this image instead of building one: a layout, an archive or a reference",
    parse: parseImage,
  }),
  "image-dir": valueFlag({
    valueName: "DIR",
    completes: "image",
    help: "The same as --image",
    parse: parseImage,
  }),
});

/** The named image, if any. @throws {MiseOciError} `usage` if both flags are given. */
export function maybeNamedImage(
  flags: FlagValues<typeof NAMED_IMAGE_FLAGS>,
): ImageSource | undefined {
  if (flags.image !== undefined && flags["image-dir"] !== undefined) {
    throw new MiseOciError("usage", "Cannot use --image together with --image-dir", {
      hint: "They mean the same: leave one out",
    });
  }
  return flags.image ?? flags["image-dir"];
}

/** `--image` and the flags of a build. */
export const IMAGE_FLAGS = {
  ...NAMED_IMAGE_FLAGS,
  ...BUILD_FLAGS,
} as const satisfies FlagTable;

/** Flags of a build that also apply to an existing image. */
const ALSO_FOUND: ReadonlySet<string> = new Set(["platform", ...Object.keys(CHECK_FLAGS)]);

/** Flags of a build that only one command has. */
export interface OwnBuildFlags {
  /** The flags. */
  readonly flags: FlagTable;
  /** The fields of the build request that they set. */
  readonly build: Partial<TransientBuild>;
}

/**
 * The image requested by the flags.
 *
 * @throws {MiseOciError} `usage` if `--image` is combined with flags that require a build.
 */
export function imageRequest(
  input: CommandInput<typeof IMAGE_FLAGS>,
  context: Pick<CommandContext, "place">,
  own: OwnBuildFlags = { flags: {}, build: {} },
): ImageRequest {
  const source = maybeNamedImage(input.flags);
  if (source === undefined) {
    return { kind: "build", build: { ...buildRequest(input, context), ...own.build } };
  }
  const flag = input.given.has("image") ? "--image" : "--image-dir";
  const ofBuild = Object.keys({ ...BUILD_FLAGS, ...own.flags }).filter((name) =>
    !ALSO_FOUND.has(name) && input.given.has(name)
  );
  if (ofBuild.length > 0) {
    const names = ofBuild.map((name) => `--${name}`).join(", ");
    throw new MiseOciError("usage", `Cannot use ${names} together with ${flag}`, {
      hint: "An image that is already built cannot be changed: leave one of the two out",
    });
  }
  const check = checkMode(input.flags);
  const platform = maybeOnePlatform(input.flags.platform, flag);
  const directory = context.place.resolve(".");
  return { kind: "image", source, directory, check, ...given("platform", platform) };
}
