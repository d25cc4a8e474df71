/**
 * Errors of the layer engine.
 * @module
 */
import { MiseOciError } from "../errors.ts";

/** A tree that changed while it was packed. The build tries once more, then fails. */
export class TreeChangedError extends Error {
  override readonly name = "TreeChangedError";
  /** Absolute host path of the changed file. */
  readonly path: string;

  /** `how` completes the sentence: "has other content than before". */
  constructor(path: string, how: string) {
    super(`"${path}" ${how}`);
    this.path = path;
  }
}

/** Translates an error of the file system into one that names the path and the operation. */
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

/** Whether an error means that a path does not exist. */
export function isNotFound(error: unknown): boolean {
  return error instanceof Deno.errors.NotFound ||
    (error instanceof Error && "code" in error && error.code === "ENOENT");
}

/** Whether an error means that access is denied. */
export function isAccessDenied(error: unknown): boolean {
  return error instanceof Deno.errors.PermissionDenied ||
    (error instanceof Error && "code" in error && error.code === "EACCES");
}
