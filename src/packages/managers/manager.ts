/**
 * The interface of a package manager: the grammar of its names, the files that a base must have, its
 * installation commands and the files that it leaves behind. A new one needs a file in this folder, its name in
 * `mod.ts`, and an entry in `src/oci/package_managers.ts`.
 * @module
 */
import type { ManagerName } from "../../oci/mod.ts";

/** A package to install, checked. */
export interface PackageSpec {
  /** Name of the package. */
  readonly name: string;
  /** Exact version; if absent, the newest in the base's sources. */
  readonly version?: string;
}

/** One command of an installation. */
export interface InstallStep {
  /** What it does, for messages: `apt-get update`. */
  readonly name: string;
  /** Absolute path in the rootfs, and arguments. */
  readonly command: readonly [string, ...string[]];
  /** Whether it may reach the network. */
  readonly network: boolean;
}

/** How a manager installs packages. */
export interface Installation {
  /** A command without effect, to find out whether programs of the base run at all. */
  readonly probe: InstallStep;
  /** The commands, in order. */
  readonly steps: readonly InstallStep[];
}

/** A package manager that images can have. */
export interface Manager {
  /** Its name in `[bootstrap.packages]`, the part before the colon. */
  readonly name: ManagerName;
  /** The pattern of package names; excludes options and globs. */
  readonly packageName: RegExp;
  /** The pattern of versions. */
  readonly version: RegExp;
  /** Paths that a base must have for it. */
  readonly requires: readonly string[];
  /** Which bases have it, for messages: `a Debian or Ubuntu`. */
  readonly bases: string;
  /** Its database: the file, relative to the root, and what begins the lines of an entry. */
  readonly database: { readonly path: string; readonly name: string; readonly version: string };
  /** Its own directories whose content is not part of any package. */
  readonly caches: readonly string[];
  /** Its other paths that are not part of any package. */
  readonly state: readonly RegExp[];
  /** How it installs packages. */
  install(packages: readonly PackageSpec[]): Installation;
}
