/**
 * Planning: from project and flags to an immutable description of the image. No I/O, no clock.
 * @module
 */
export * from "./image_config.ts";
export * from "./group_tools.ts";
export * from "./options.ts";
export * from "./plan.ts";
export * from "./settle.ts";
export * from "./tool_of.ts";
export * from "./project.ts";
export * from "./types.ts";
export * from "./users.ts";
export { nameMatcher, planPath } from "./env.ts";
export { type DeclaredPlace, refuseDeclared } from "./exposure.ts";
export { isInstallerOf } from "./installers.ts";
export {
  type CertificateBundle,
  settleCertificates,
  type TrustStore,
} from "./layers/certificates.ts";
export { mentionsPath, toolImagePath } from "./paths.ts";
export type { LayerVersions } from "./layers/planner.ts";
