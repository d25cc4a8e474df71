/**
 * The image from which layers may be reused.
 * @module
 */
import { MiseOciError } from "../errors.ts";
import { formatReference, type Reference } from "../oci/mod.ts";

/**
 * Checks that the layers of `cacheFrom` can be used at `destination`.
 *
 * @throws {MiseOciError} `usage` if it is in another repository.
 */
export function checkCacheFrom(cacheFrom: Reference, destination: Reference): void {
  const same = cacheFrom.registry === destination.registry &&
    cacheFrom.repository === destination.repository;
  if (same) return;
  throw new MiseOciError(
    "usage",
    `Cannot reuse layers of "${formatReference(cacheFrom)}": same repository needed, ` +
      `"${destination.registry}/${destination.repository}"`,
    { hint: "Name another tag of the repository that is pushed to" },
  );
}
