/**
 * Independent programs built from Go modules (crane, oras, regctl), where the user's cache has them.
 * @module
 */
import { join } from "@std/path";

/** Where the set-up keeps them: `mise-oci-programs/bin` in the user's cache. */
export function goProgramDirectory(): string {
  const xdg = Deno.env.get("XDG_CACHE_HOME");
  const cache = xdg?.startsWith("/") ? xdg : join(Deno.env.get("HOME") ?? "/", ".cache");
  return join(cache, "mise-oci-programs/bin");
}

/** The absolute path of a program, `undefined` if it was not built. */
export function maybeGoProgram(name: string): string | undefined {
  const path = join(goProgramDirectory(), name);
  try {
    return Deno.statSync(path).isFile ? path : undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** Why a test that needs the programs is skipped here, `undefined` if it is not. */
export function whyNoGoPrograms(names: readonly string[]): string | undefined {
  const missing = names.filter((name) => maybeGoProgram(name) === undefined);
  return missing.length === 0 ? undefined : `${missing.join(", ")} not built`;
}
