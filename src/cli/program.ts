/**
 * Name and version of the program.
 * @module
 */
import manifest from "../../deno.json" with { type: "json" };

/** What is typed. */
export const PROGRAM = "mise-oci";

/** The version of the package. */
export const VERSION: string = manifest.version;

/** What a released executable was compiled of. */
export interface Built {
  /** The commit, in full or its beginning. */
  readonly commit: string;
  /** The day of the commit, `2026-01-31`: the same sources give the same bytes whenever they are compiled. */
  readonly date: string;
}

/** Of a released executable only: the bundle has the value in place of the name (`scripts/compile/bundle.ts`). */
export const BUILT: Built | undefined =
  (globalThis as { readonly MISE_OCI_BUILT?: Built }).MISE_OCI_BUILT;
