/**
 * The signer on the command line.
 * @module
 */
import type { Place } from "../flag.ts";
import { parseName } from "./numbers.ts";

/**
 * The absolute path of a private key, or `keyless` for a CI job's identity. @throws {MiseOciError} `usage`.
 */
export function parseSigner(text: string, place: Place): string {
  const name = parseName(text);
  return name === "keyless" ? name : place.resolve(name);
}
