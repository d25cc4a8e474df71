/**
 * What is said of a symbolic link that leads nowhere.
 * @module
 */

const END = ", which the image does not provide";

/** Whether a warning of a layer is that of a link. */
export function isLinkWarning(text: string): boolean {
  return text.startsWith('Link "') && text.endsWith(END);
}

/** What is said of a link that leads nowhere. */
export function linkWarning(path: string, target: string): string {
  return `Link "${path}" leads to "${target}"${END}`;
}
