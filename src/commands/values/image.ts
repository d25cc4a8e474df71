/**
 * An image that exists, as it is written on the command line.
 * @module
 */
import { MiseOciError } from "../../errors.ts";
import {
  type ImageSource,
  parseImageArgument,
  parseRegistryImage,
  withSourcePath,
} from "../../oci/image_source.ts";
import { formatReference, namesHost, type Reference } from "../../oci/reference.ts";
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

/** A short name with the host that it needs; nobody may push to Docker Hub's own images. */
function withHost({ repository, ...reference }: Reference): string {
  const own = repository.replace(/^library\//, "USER/");
  return formatReference({ ...reference, repository: own });
}

/**
 * Where to push: a reference that names its host. A digest must be that of what is pushed.
 *
 * @throws {MiseOciError} `usage`.
 */
export function parseDestination(argument: string): Reference {
  const text = argument.replace(/^docker:\/\//, "");
  const reference = parseRegistryImage(
    text,
    (image) => `For a layout or an archive: mise-oci build -o ${image}`,
  );
  if (!namesHost(text)) {
    // `ghcr.io` or `registry.lan:5000`, which a reference alone takes for a name on Docker Hub.
    if (/^(?:[^/@:]+\.[^/@:]+|localhost)(?::\d{2,5})?$/.test(text)) {
      throw new MiseOciError("usage", `Cannot push to ${JSON.stringify(text)}: no repository`, {
        hint: `Name one: ${text}/NAME:TAG`,
      });
    }
    throw new MiseOciError("usage", `Cannot push to ${JSON.stringify(text)}: no registry host`, {
      hint: `Name the registry: ${withHost(reference)}, or your own host in its place`,
    });
  }
  return reference;
}

/** Where to push, each once. @throws {MiseOciError} as {@linkcode parseDestination}. */
export function parseDestinations(texts: readonly string[]): readonly [Reference, ...Reference[]] {
  const references = texts.map(parseDestination);
  const names = new Map(references.map((one) => [formatReference(one), one]));
  const [first, ...others] = names.values();
  if (first === undefined) throw new TypeError("A push without a destination");
  return [first, ...others];
}
