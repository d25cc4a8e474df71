/**
 * Which entries of an index may be the image for a platform (image-spec, image-index.md).
 * @module
 */
import {
  type Descriptor,
  formatPlatform,
  type Index,
  maybeManifestKind,
  type Platform,
  platformScore,
} from "../oci/mod.ts";

/** Whether an entry is something about an image, such as BuildKit's attestations, and no image itself. */
function isAttestation(entry: Descriptor): boolean {
  const { platform, annotations } = entry;
  return platform?.os === "unknown" || platform?.architecture === "unknown" ||
    annotations?.["vnd.docker.reference.type"] !== undefined;
}

/**
 * The entries that may be, or lead to, an image for the platform, best first; of equally good ones the
 * first in the index. Entries without a platform come last, as only their content can tell.
 */
export function selectPlatform(index: Index, wanted: Platform): readonly Descriptor[] {
  return index.manifests
    .filter((entry) => !isAttestation(entry) && maybeManifestKind(entry.mediaType) !== undefined)
    .map((entry) => ({
      entry,
      score: entry.platform === undefined ? 0.5 : platformScore(wanted, entry.platform),
    }))
    .filter(({ score }) => score > 0)
    .sort((a, b) => b.score - a.score)
    .map(({ entry }) => entry);
}

/** So many platforms are listed in a message. */
const MAX_LISTED = 20;

/** The platforms that an index offers, for messages. */
export function listPlatforms(index: Index): string {
  const names = index.manifests
    .filter((entry) => !isAttestation(entry))
    .map(({ platform }) =>
      platform === undefined ? "one without a platform" : formatPlatform(platform)
    );
  const unique = [...new Set(names)].sort();
  if (unique.length === 0) return "none";
  const rest = unique.length - MAX_LISTED;
  return unique.slice(0, MAX_LISTED).join(", ") + (rest > 0 ? ` and ${rest} more` : "");
}
