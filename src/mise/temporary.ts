/**
 * Temporary directories for mise and other programs.
 * @module
 */
import { describeError, MiseOciError } from "../errors.ts";

/**
 * Creates a temporary directory in the system's location (`TMPDIR`).
 *
 * @throws {MiseOciError} `io` if that fails.
 */
export async function makeTemporary(prefix: string): Promise<string> {
  try {
    return await Deno.makeTempDir({ prefix });
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw error;
    throw new MiseOciError("io", `Cannot make a temporary directory: ${describeError(error)}`, {
      hint: "Set TMPDIR to a directory that exists and can be written",
      cause: error,
    });
  }
}
