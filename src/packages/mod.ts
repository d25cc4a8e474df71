/**
 * System packages of an image, installed in isolation from the host (spec.md, section 10).
 *
 * ```text
 * requested → planPackages → buildPackagesLayer: unpack base layers → install, isolated
 *                                                → difference → blob
 * ```
 * @module
 */
export {
  buildPackagesLayer,
  type BuiltPackagesLayer,
  PACKAGES_FORMAT,
  type PackagesContext,
  packagesFingerprint,
  type PackagesRequest,
} from "./build.ts";
export {
  databasePath,
  type PackagesPlan,
  parseVersions,
  planPackages,
  type PlanPackagesOptions,
  type RequestedPackage,
  selectPackages,
} from "./plan.ts";
export { checkHost, type HostFacts, hostFacts } from "./install.ts";
export type { UnpackLayer } from "../rootfs/unpack.ts";
