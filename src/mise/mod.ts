/**
 * The only folder that starts mise: reads a project from it.
 * @module
 */
export { SharedAnswers } from "./answers_of_project.ts";
export { type ConfigFile, parseConfigFile } from "./config_file.ts";
export type { MiseContext } from "./context.ts";
export { backendKind, FOREIGN_HINT } from "./backends.ts";
export type { ForeignPlatform } from "./foreign/foreign_platform.ts";
export { MINIMUM_MISE_VERSION } from "./failure.ts";
export { locateMise, type LocateOptions } from "./locate.ts";
export type { OciTable } from "./oci/oci_fields.ts";
export { mergeOci, parseOciTables } from "./oci/oci_section.ts";
export { type OutdatedTool, readOutdatedTools } from "./outdated.ts";
export { type ProjectOptions, readProject } from "./project.ts";
export { maybeMiseRelease, type MiseRelease, parseChecksum } from "./release.ts";
export { readSettings } from "./settings.ts";
