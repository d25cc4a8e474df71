/**
 * Errors about the content of an image layout's own files.
 * @module
 */
import { MiseOciError } from "../errors.ts";

/** The error for a path that is not a (sound) image layout. */
export function layoutError(path: string, why: string, hint?: string): MiseOciError {
  return new MiseOciError("layout", `Cannot use "${path}" as an image layout: ${why}`, {
    hint: hint ?? "Give the directory of an OCI image layout, as mise-oci build writes it",
  });
}

/** Runs a parser of `oci-layout` or `index.json`; what it finds malformed is an error of the layout. */
export function parsingLayout<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof MiseOciError) || error.code !== "invalid") throw error;
    throw new MiseOciError("layout", error.message, {
      hint: "The image layout is damaged; build or copy it again",
      cause: error,
    });
  }
}
