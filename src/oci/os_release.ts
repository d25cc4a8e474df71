/**
 * The file in which a distribution says what it is (os-release(5)).
 * @module
 */

/** Where it is in an image, without a leading slash; the first that exists counts. */
export const OS_RELEASE_FILES = ["etc/os-release", "usr/lib/os-release"] as const;

/** Its fields, without quotation marks. */
export function parseOsRelease(text: string): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  for (const line of text.split("\n")) {
    const [, key, value] = /^([A-Z_]+)=["']?(.*?)["']?\s*$/.exec(line) ?? [];
    if (key !== undefined && value !== undefined) fields.set(key, value);
  }
  return fields;
}
