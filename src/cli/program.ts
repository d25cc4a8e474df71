/**
 * Name and version of the program.
 * @module
 */
import manifest from "../../deno.json" with { type: "json" };

/** What is typed. */
export const PROGRAM = "mise-oci";

/** The version of the package. */
export const VERSION: string = manifest.version;
