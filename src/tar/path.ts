/**
 * Names in archives that strangers made (faults U01, U26).
 * @module
 */

/** Linux's NAME_MAX and PATH_MAX, in bytes. */
const MAX_NAME = 255;
const MAX_PATH = 4096;

const encoder = new TextEncoder();

/** Length of a text in UTF-8 bytes. */
function byteLength(text: string): number {
  return encoder.encode(text).length;
}

/**
 * The path of an entry relative to the root of the image: without leading and trailing slashes, without
 * `.` components; empty for the root itself.
 *
 * @throws {RangeError} saying why: an empty name, `..`, a NUL, a Windows drive, a name of over 255 or a
 * path of over 4096 bytes.
 */
export function normalizeTarPath(name: string): string {
  if (name === "") throw new RangeError("its name is empty");
  if (name.includes("\0")) throw new RangeError("its name contains a NUL");
  if (/^[A-Za-z]:\\/.test(name)) throw new RangeError("its name is a Windows path");
  if (name.length * 3 > MAX_PATH && byteLength(name) > MAX_PATH) {
    throw new RangeError(`its path is longer than ${MAX_PATH} bytes`);
  }
  const parts: string[] = [];
  for (const part of name.split("/")) {
    if (part === "" || part === ".") continue;
    if (part === "..") throw new RangeError('its path contains ".."');
    if (part.length * 3 > MAX_NAME && byteLength(part) > MAX_NAME) {
      throw new RangeError(`a part of its path is longer than ${MAX_NAME} bytes`);
    }
    parts.push(part);
  }
  return parts.join("/");
}

/** Checks the target of a symbolic link, which may be any path. @throws {RangeError} saying why. */
export function checkLinkTarget(target: string): string {
  if (target === "") throw new RangeError("its link target is empty");
  if (target.includes("\0")) throw new RangeError("its link target contains a NUL");
  if (target.length * 3 > MAX_PATH && byteLength(target) > MAX_PATH - 1) {
    throw new RangeError(`its link target is longer than ${MAX_PATH - 1} bytes`);
  }
  return target;
}
