/**
 * Decides whether something is an image, for layouts, archives and registries.
 *
 * A manifest is an image if its config is an image config and its layers, if it has any, are layers of a
 * file system (image-spec, manifest.md). An `artifactType` alone decides nothing: go-containerregistry
 * (crane, cosign) writes the media type of the config there for every image, as the distribution spec does
 * for referrers, and for cosign's signatures too, whose layers tell them apart.
 * @module
 */
import {
  type Descriptor,
  essence,
  type Manifest,
  maybeManifestKind,
  MediaType,
} from "../oci/mod.ts";

const CONFIGS: ReadonlySet<string> = new Set([MediaType.config, MediaType.dockerConfig]);
/** Every compression, encrypted and non-distributable ones included. */
const LAYER = /^application\/vnd\.(?:oci\.image\.layer|docker\.image\.rootfs)\./;

/** Whether an entry of an index may be an image or lead to one, judging by the entry alone. */
export function mayBeImage(entry: Descriptor): boolean {
  const { mediaType, artifactType, annotations, platform } = entry;
  return maybeManifestKind(mediaType) !== undefined &&
    (artifactType === undefined || artifactType === "" || CONFIGS.has(essence(artifactType))) &&
    annotations?.["vnd.docker.reference.type"] === undefined &&
    platform?.os !== "unknown" && platform?.architecture !== "unknown";
}

/** Why a manifest is not an image; `undefined` if it is one. */
export function whyNoImage({ config, layers }: Manifest): string | undefined {
  const { mediaType } = config;
  if (!CONFIGS.has(essence(mediaType))) {
    return `its config is ${JSON.stringify(mediaType.slice(0, 100))}, so it is no container image`;
  }
  const [first] = layers;
  if (first === undefined || layers.some((layer) => LAYER.test(essence(layer.mediaType)))) {
    return undefined;
  }
  return `its layers are ${
    JSON.stringify(first.mediaType.slice(0, 100))
  }, so it is no container image`;
}
