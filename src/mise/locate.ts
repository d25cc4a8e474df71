/**
 * Finds the mise executable.
 * @module
 */
import { DELIMITER, isAbsolute, join, resolve } from "@std/path";
import { MiseOciError } from "../errors.ts";
import type { MiseContext } from "./context.ts";

const INSTALL_HINT = 'Install mise ("curl https://mise.run | sh", or see ' +
  "https://mise.jdx.dev/installing-mise.html), or pass its path with --mise";

/** Options of {@linkcode locateMise}. */
export interface LocateOptions {
  /** `--mise`: a path, or a name to look up on PATH. */
  readonly misePath?: string;
  /** Absolute directory that relative paths are resolved against. */
  readonly directory: string;
}

function isExecutable(path: string): boolean {
  try {
    const info = Deno.statSync(path);
    return info.isFile && (info.mode === null || (info.mode & 0o111) !== 0);
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw error;
    return false;
  }
}

function onPath(name: string, context: Pick<MiseContext, "env">): string | undefined {
  const extensions = context.env("PATHEXT")?.split(";") ?? [];
  for (const directory of (context.env("PATH") ?? "").split(DELIMITER)) {
    if (!isAbsolute(directory)) continue;
    for (const extension of ["", ...extensions]) {
      const path = join(directory, name + extension);
      if (isExecutable(path)) return path;
    }
  }
  return undefined;
}

/**
 * The absolute path of the mise executable: `--mise`, else `MISE_OCI_MISE`, else `mise` on PATH.
 * Relative directories on PATH are ignored, so that a project cannot provide its own mise.
 * Synchronous, so that mise is started before anything else.
 *
 * @throws {MiseOciError} `mise` naming the place searched, with how to install mise.
 */
export function locateMise(options: LocateOptions, context: Pick<MiseContext, "env">): string {
  const fromEnv = context.env("MISE_OCI_MISE") || undefined;
  const requested = options.misePath ?? fromEnv;
  if (requested !== undefined) {
    const isPath = /[/\\]/.test(requested);
    const found = isPath ? resolve(options.directory, requested) : onPath(requested, context);
    if (found !== undefined && isExecutable(found)) return found;
    // The variable may also have been passed as the flag's value, made absolute.
    const isVariable = fromEnv !== undefined && (options.misePath === undefined ||
      options.misePath === fromEnv || options.misePath === resolve(options.directory, fromEnv));
    const by = isVariable ? "MISE_OCI_MISE" : "--mise";
    throw new MiseOciError(
      "mise",
      `Cannot find mise at ${JSON.stringify(requested)} (${by}): ` +
        (isPath ? "no such executable file" : "no such program on PATH"),
      { hint: INSTALL_HINT },
    );
  }
  const found = onPath("mise", context);
  if (found !== undefined) return found;
  throw new MiseOciError("mise", "Cannot find mise: no such program on PATH", {
    hint: INSTALL_HINT,
  });
}
