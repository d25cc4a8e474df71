/**
 * Errors of the layer engine.
 * @module
 */
import { MiseOciError } from "../errors.ts";

/** A tree that changed while it was packed. The build tries once more, then tells the user. */
export class TreeChangedError extends Error {
  override readonly name = "TreeChangedError";
  /** Absolute host path of what changed. */
  readonly path: string;

  /** Names what changed, and how ("has other content than before"). */
  constructor(path: string, how: string) {
    super(`"${path}" ${how}`);
    this.path = path;
  }
}

/** Translates an error of the file system into one that names the path and what was tried. */
export function treeError(error: unknown, doing: string, path: string): Error {
  if (error instanceof MiseOciError || error instanceof TreeChangedError) return error;
  const options = { cause: error };
  if (error instanceof Deno.errors.NotCapable) {
    return new MiseOciError("permission", `Cannot ${doing} "${path}": permission denied by Deno`, {
      ...options,
      hint: `Run with --allow-read=${path}`,
    });
  }
  if (isNotFound(error)) {
    return new MiseOciError("io", `Cannot ${doing} "${path}": it vanished during the build`, {
      ...options,
      hint: "Stop whatever changes that directory and build again",
    });
  }
  const cause = error instanceof Error ? error.message : String(error);
  return new MiseOciError("io", `Cannot ${doing} "${path}": ${cause}`, options);
}

/** Whether an error says that there is nothing of that name. */
export function isNotFound(error: unknown): boolean {
  return error instanceof Deno.errors.NotFound ||
    (error instanceof Error && "code" in error && error.code === "ENOENT");
}

/** Whether an error says that the user may not read something. */
export function isAccessDenied(error: unknown): boolean {
  return error instanceof Deno.errors.PermissionDenied ||
    (error instanceof Error && "code" in error && error.code === "EACCES");
}
