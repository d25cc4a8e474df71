/**
 * An image that exists, as it is written on the command line.
 * @module
 */
import { type ImageSource, parseImageArgument, withSourcePath } from "../../oci/image_source.ts";
import type { Place } from "../flag.ts";
import { parseName } from "./numbers.ts";

/** Every form of an image argument, for help. */
export const IMAGE_FORMS =
  "An image is named by a layout directory or an archive, oci:DIR[:TAG], oci-archive:FILE[:TAG], " +
  "docker-archive:FILE[:NAME] (docker save), each also with @sha256:…, or a reference to a registry.";

/**
 * Parses an image argument, its path absolute. Whether a name without a prefix is a directory, a file or a
 * reference depends on what exists.
 *
 * @throws {MiseOciError} `usage`.
 */
export function parseImage(text: string, place: Place): ImageSource {
  return withSourcePath(parseImageArgument(parseName(text)), (path) => place.resolve(path));
}
