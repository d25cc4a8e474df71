/**
 * Writes files that appear complete or not at all.
 * @module
 */
import { MiseOciError } from "../../errors.ts";

/**
 * Writes a file under a temporary name and renames it. An unwritable directory is detected before the text
 * is generated.
 *
 * @throws {MiseOciError} `io` naming the file; errors of `make`.
 */
export async function writeWhole(path: string, make: () => Promise<string>): Promise<void> {
  if (await Deno.stat(path).then(({ isDirectory }) => isDirectory, () => false)) {
    throw failure(path, "it is a directory");
  }
  const temporary = `${path}.${crypto.randomUUID().slice(0, 8)}.tmp`;
  try {
    await Deno.writeTextFile(temporary, "");
    await Deno.writeTextFile(temporary, await make());
    await Deno.rename(temporary, path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotCapable)) await Deno.remove(temporary).catch(() => {});
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw failure(path, "its directory does not exist", error);
  }
}

function failure(path: string, why: string, cause?: unknown): MiseOciError {
  return new MiseOciError("io", `Cannot write ${JSON.stringify(path)}: ${why}`, {
    hint: "Name a file in a directory that exists",
    cause,
  });
}

/** Replaces a file's text atomically; its mode is kept, and a link remains a link. */
export async function replaceFile(path: string, text: string): Promise<void> {
  const real = await Deno.realPath(path);
  const { mode } = await Deno.stat(real);
  const temporary = `${real}.mise-oci-${crypto.randomUUID()}`;
  try {
    await Deno.writeTextFile(temporary, text, mode === null ? {} : { mode: mode & 0o777 });
    await Deno.rename(temporary, real);
  } catch (error) {
    await Deno.remove(temporary).catch(() => {});
    throw error;
  }
}

/** The text of a file, if it exists. */
export async function maybeRead(path: string): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    const { NotFound, NotADirectory } = Deno.errors;
    if (error instanceof NotFound || error instanceof NotADirectory) return undefined;
    throw error;
  }
}
