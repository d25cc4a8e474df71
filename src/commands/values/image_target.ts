/**
 * An image to look at, as it is written on the command line.
 * @module
 */
import { parseImageSource } from "../../oci/reference.ts";
import type { ImageTarget } from "../../workflow/inspect_types.ts";
import type { Place } from "../flag.ts";
import { parseName } from "./numbers.ts";

/**
 * Parses `oci:DIR[:TAG]`, `oci-archive:FILE[:TAG]`, a directory, a file or a reference. Which of the last
 * three it is depends on what is there.
 *
 * @throws {MiseOciError} `usage`.
 */
export function parseImageTarget(text: string, place: Place): ImageTarget {
  const name = parseName(text);
  if (!/^oci(?:-archive)?:/.test(name)) {
    return { kind: "guess", text: name, path: place.resolve(name) };
  }
  const source = parseImageSource(name);
  return "path" in source ? { ...source, path: place.resolve(source.path) } : source;
}
