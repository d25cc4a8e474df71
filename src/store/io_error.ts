/**
 * Errors of the operating system in the words of mise-oci.
 * @module
 */
import { MiseOciError } from "../errors.ts";

const HINTS: Readonly<Record<string, string>> = {
  ENOSPC: "Free space on that file system, or choose another directory (-o, MISE_OCI_CACHE_DIR)",
  EDQUOT: "Free space within the quota, or choose another directory (-o, MISE_OCI_CACHE_DIR)",
  EFBIG: "The file system or a limit (ulimit -f) does not allow files that large",
  EROFS: "Choose a directory on a file system that can be written (-o, MISE_OCI_CACHE_DIR)",
  EACCES: "Check the permissions, or choose another directory (-o, MISE_OCI_CACHE_DIR)",
  EPERM: "Check the permissions, or choose another directory (-o, MISE_OCI_CACHE_DIR)",
  EMFILE: "Raise the limit of open files (ulimit -n), or run fewer jobs (-j)",
  ENOTDIR: "A file is in the way: choose another directory (-o, MISE_OCI_CACHE_DIR)",
  ENFILE: "The system has no file handles left; close other programs",
};

/** The `E…` code of an error of the operating system; `undefined` for any other. */
export function maybeSystemCode(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code } = error as Error & { code?: unknown };
  return typeof code === "string" && /^E[A-Z0-9]+$/.test(code) ? code : undefined;
}

/** A path for a message; a temporary file means nothing to people, its directory does. */
function shown(path: string): string {
  const directory = /^(.*)[/\\]\.tmp-[^/\\]*$/.exec(path)?.[1];
  return directory === undefined
    ? JSON.stringify(path)
    : `a file in ${JSON.stringify(directory || "/")}`;
}

/**
 * The error for a failed operation on `path`: `io` with the system's message, or `permission` if Deno denied
 * it. Any other error is returned unchanged: a bug must keep its stack.
 */
export function ioError(error: unknown, action: string, path: string): unknown {
  if (error instanceof Deno.errors.NotCapable) {
    const flag = /--allow-[a-z]+/.exec(error.message)?.[0] ?? "--allow-read --allow-write";
    return new MiseOciError(
      "permission",
      `Cannot ${action} ${shown(path)}: Deno does not allow it`,
      {
        hint: `Run with ${flag}="${path}"`,
        cause: error,
      },
    );
  }
  const code = maybeSystemCode(error);
  if (code === undefined) return error;
  const words = (error as Error).message.split(" (os error", 1)[0] ?? code;
  const hint = HINTS[code];
  return new MiseOciError("io", `Cannot ${action} ${shown(path)}: ${words}`, {
    cause: error,
    ...(hint === undefined ? {} : { hint }),
  });
}

/** Runs an operation on `path`, translating its errors with {@linkcode ioError}. */
export async function withPath<T>(
  action: string,
  path: string,
  run: () => Promise<T>,
): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw ioError(error, action, path);
  }
}

/** The same for a synchronous operation. */
export function withPathSync<T>(action: string, path: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw ioError(error, action, path);
  }
}

/**
 * Synchronous: that takes 10 µs, while an asynchronous call takes 200, and a build makes a hundred of them.
 */
function maybeInfo(
  path: string,
  look: (path: string) => Deno.FileInfo,
): Deno.FileInfo | undefined {
  try {
    return look(path);
  } catch (error) {
    const code = maybeSystemCode(error);
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw ioError(error, "look at", path);
  }
}

/** The result of `lstat`; `undefined` if the path does not exist. @throws {MiseOciError} `io`. */
export function maybeLstat(path: string): Deno.FileInfo | undefined {
  return maybeInfo(path, Deno.lstatSync);
}

/**
 * The result of `stat`, links followed; `undefined` if the path does not exist. @throws {MiseOciError} `io`.
 */
export function maybeStat(path: string): Deno.FileInfo | undefined {
  return maybeInfo(path, Deno.statSync);
}
