/**
 * Name and version of the program.
 * @module
 */
import manifest from "../../deno.json" with { type: "json" };

/** What is typed. */
export const PROGRAM = "mise-oci";

/** The version of the package. */
export const VERSION: string = manifest.version;

/** The source of a released executable. */
export interface Built {
  /** The commit, complete or abbreviated. */
  readonly commit: string;
  /** The day of the commit, `2026-01-31`: so that the same sources give the same bytes at any time. */
  readonly date: string;
}

/**
 * Only in a released executable: in the bundle the name is replaced with the value
 * (`scripts/compile/bundle.ts`).
 */
export const BUILT: Built | undefined =
  (globalThis as { readonly MISE_OCI_BUILT?: Built }).MISE_OCI_BUILT;
