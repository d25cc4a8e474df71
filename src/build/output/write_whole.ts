/**
 * Writes files that appear complete or not at all.
 * @module
 */
import { checkOutputFile, writeOutput } from "../../store/output.ts";

/**
 * Writes a file under a temporary name and renames it. An unwritable directory is detected before the text
 * is generated.
 *
 * @throws {MiseOciError} `io` naming the file; errors of `make`.
 */
export async function writeWhole(path: string, make: () => Promise<string>): Promise<void> {
  await checkOutputFile(path);
  const text = await make();
  await writeOutput(path, (sink) => sink.write(new TextEncoder().encode(text)));
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
