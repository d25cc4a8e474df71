/**
 * Variables of the dynamic loader. Deno starts no program under scoped permissions while one of them is
 * set, because it could make that program run other code.
 * @module
 */

const NAMES = [
  "LD_LIBRARY_PATH",
  "LD_PRELOAD",
  "LD_AUDIT",
  "LD_BIND_NOW",
  "LD_DEBUG",
  "DYLD_LIBRARY_PATH",
  "DYLD_FALLBACK_LIBRARY_PATH",
  "DYLD_FRAMEWORK_PATH",
  "DYLD_INSERT_LIBRARIES",
] as const;

/** Unsets them for this process, and so for every program it starts. */
export function dropLoaderVariables(): void {
  for (const name of NAMES) {
    try {
      if (Deno.env.get(name) !== undefined) Deno.env.delete(name);
    } catch (error) {
      // Without permission to read them, Deno itself reports the problem when a program is started.
      if (!(error instanceof Deno.errors.NotCapable)) throw error;
    }
  }
}
