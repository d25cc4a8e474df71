/**
 * Names of images in an engine.
 * @module
 */
import { type Digest, digestHex, maybeEngineName } from "../oci/mod.ts";

/** Name of images without a name. */
const REPOSITORY = "mise-oci";

/**
 * The name of an image in an engine: always with a tag, which `docker load` requires. Images in a layout can
 * have any name; one that is not a valid name for an engine becomes a tag of `mise-oci`.
 *
 * @param name the name in the layout or on the command line, if any.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { parseDigest } from "../oci/mod.ts";
 * import { engineName } from "./name.ts";
 *
 * const digest = parseDigest(`sha256:${"0".repeat(64)}`);
 * assertEquals(engineName("app", digest), "app:latest");
 * assertEquals(engineName("v1", digest), "mise-oci:v1");
 * assertEquals(engineName(undefined, digest), "mise-oci:000000000000");
 * ```
 */
export function engineName(name: string | undefined, digest: Digest): string {
  const short = digestHex(digest).slice(0, 12);
  if (name === undefined) return `${REPOSITORY}:${short}`;
  return maybeEngineName(name) ??
    `${REPOSITORY}:${/^\w[\w.-]{0,127}$/.test(name) ? name : short}`;
}
