/**
 * The warning about a dangling symbolic link.
 * @module
 */

const END = ", which the image does not provide";

/** Whether a layer's warning is the one about links. */
export function isLinkWarning(text: string): boolean {
  return text.startsWith('Link "') && text.endsWith(END);
}

/** The warning about a dangling link. */
export function linkWarning(path: string, target: string): string {
  return `Link "${path}" leads to "${target}"${END}`;
}
