/**
 * A file that is there whole or not at all.
 * @module
 */
import { MiseOciError } from "../errors.ts";

/**
 * Writes a file under a temporary name and renames it. A place that cannot be written is noticed before
 * the text is made.
 *
 * @throws {MiseOciError} `io` naming the file; what `make` throws.
 */
export async function writeWhole(path: string, make: () => Promise<string>): Promise<void> {
  const temporary = `${path}.${crypto.randomUUID().slice(0, 8)}.tmp`;
  try {
    await Deno.writeTextFile(temporary, "");
    await Deno.writeTextFile(temporary, await make());
    await Deno.rename(temporary, path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotCapable)) await Deno.remove(temporary).catch(() => {});
    const missing = error instanceof Deno.errors.NotFound;
    if (!missing && !(error instanceof Deno.errors.IsADirectory)) throw error;
    const why = missing ? "its directory does not exist" : "it is a directory";
    throw new MiseOciError("io", `Cannot write ${JSON.stringify(path)}: ${why}`, { cause: error });
  }
}
