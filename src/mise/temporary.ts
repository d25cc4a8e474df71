/**
 * Temporary directories: what mise is to render, and layouts for other programs.
 * @module
 */
import { describeError, MiseOciError } from "../errors.ts";

/**
 * Makes a temporary directory where the system keeps such (`TMPDIR`).
 *
 * @throws {MiseOciError} `io` if it cannot.
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
