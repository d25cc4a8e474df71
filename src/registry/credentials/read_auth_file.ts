/**
 * Reads a credential file from disk without trusting the path.
 * @module
 */
import { describeError, MiseOciError } from "../../errors.ts";
import { MAX_AUTH_FILE_BYTES } from "./auth_file.ts";

/**
 * Reads a credential file; `undefined` if it does not exist.
 * @throws {MiseOciError} `io` if it is there and cannot be used, `permission` if this user may not read it.
 */
export type ReadAuthFile = (path: string) => Promise<Uint8Array | undefined>;

function refuse(path: string, why: string, code: "io" | "permission" = "io"): never {
  throw new MiseOciError(code, `Cannot read credentials from "${path}": ${why}`);
}

/** The reader of real files. A FIFO is never opened (that would block), a huge file is never read. */
export async function readAuthFile(path: string): Promise<Uint8Array | undefined> {
  try {
    const info = await Deno.stat(path);
    if (!info.isFile) refuse(path, info.isDirectory ? "it is a directory" : "not a regular file");
    if (info.size > MAX_AUTH_FILE_BYTES) {
      refuse(path, `it is longer than ${MAX_AUTH_FILE_BYTES} bytes`);
    }
    return await Deno.readFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      return undefined;
    }
    if (error instanceof MiseOciError) throw error;
    if (error instanceof Deno.errors.NotCapable) {
      refuse(path, `Deno may not read it, add --allow-read="${path}"`);
    }
    if (error instanceof Deno.errors.PermissionDenied) {
      refuse(path, "permission denied", "permission");
    }
    return refuse(path, describeError(error));
  }
}
