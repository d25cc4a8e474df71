/**
 * Texts of the warning about files that contain host directories. Separate from the search, which a build
 * without changes does not load.
 * @module
 */

/** What such files contain. */
export const HOST_PATHS = "install directories of this machine, which the image does not have";

/** Whether a layer's warning is the one of `HostPathFinder` in host_paths.ts. */
export function isHostPathWarning(text: string): boolean {
  return text.includes(`${HOST_PATHS}: `);
}

/** A single warning for all layers of a build whose files contain host directories. */
export function hostPathSummary(titles: readonly string[]): string {
  const [first = ""] = titles;
  const layers = titles.length === 1 ? first : `${titles.length} layers`;
  return `Files of ${layers} still name ${HOST_PATHS} (-v lists them)`;
}
