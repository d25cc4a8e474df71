/**
 * The words about files that name directories of the host: apart from what finds them, which a build that
 * changes nothing does not need.
 * @module
 */

/** What such files name. */
export const HOST_PATHS = "install directories of this machine, which the image does not have";

/** Whether a warning of a layer is that of `HostPathFinder` of host_paths.ts. */
export function isHostPathWarning(text: string): boolean {
  return text.includes(`${HOST_PATHS}: `);
}

/** One sentence for all layers of a build whose files name host directories. */
export function hostPathSummary(titles: readonly string[]): string {
  const [first = ""] = titles;
  const layers = titles.length === 1 ? first : `${titles.length} layers`;
  return `Files of ${layers} still name ${HOST_PATHS} (-v lists them)`;
}
