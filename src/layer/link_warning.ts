/**
 * What is said of a symbolic link that leads nowhere.
 * @module
 */

/** What is said of a link that leads nowhere. */
export function linkWarning(path: string, target: string): string {
  return `Link "${path}" leads to "${target}", which the image does not provide`;
}
