/**
 * References to existing images on the command line.
 * @module
 */
import { MiseOciError } from "../../errors.ts";
import {
  type ImageSource,
  LOCAL_TRANSPORTS,
  type LocalTransport,
  parseImageArgument,
  parseRegistryImage,
  withSourcePath,
} from "../../oci/image_source.ts";
import { formatReference, namesHost, type Reference } from "../../oci/reference.ts";
import type { Place } from "../flag.ts";
import { parseName } from "./numbers.ts";

const FORMS = Object.values<LocalTransport>(LOCAL_TRANSPORTS).map((
  { prefix, path, name, writer },
) => `${prefix}${path}${name}${writer === undefined ? "" : ` (${writer})`}`);

/** All forms of an image argument, for help. */
export const IMAGE_FORMS: string =
  `An image is named by a layout directory or an archive, ${FORMS.join(", ")}, ` +
  "each also with @sha256:…, or a reference to a registry.";

/**
 * Parses an image argument and makes its path absolute. Whether a name without a prefix is a directory, a
 * file or a reference depends on which of them exists.
 *
 * @throws {MiseOciError} `usage`.
 */
export function parseImage(text: string, place: Place): ImageSource {
  return withSourcePath(parseImageArgument(parseName(text)), (path) => place.resolve(path));
}

/** Formats a reference with its host; `library/` is replaced because users cannot push there. */
function withHost({ repository, ...reference }: Reference): string {
  const own = repository.replace(/^library\//, "USER/");
  return formatReference({ ...reference, repository: own });
}

/**
 * Parses a destination: a reference with an explicit host. A digest must match the pushed image.
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
    // `ghcr.io` or `registry.lan:5000`, which as a reference would be a name on Docker Hub.
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

/** Parses destinations and removes duplicates. @throws {MiseOciError} as {@linkcode parseDestination}. */
export function parseDestinations(texts: readonly string[]): readonly [Reference, ...Reference[]] {
  const references = texts.map(parseDestination);
  const names = new Map(references.map((one) => [formatReference(one), one]));
  const [first, ...others] = names.values();
  if (first === undefined) throw new TypeError("A push without a destination");
  return [first, ...others];
}
