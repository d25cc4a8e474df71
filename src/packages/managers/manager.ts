/**
 * What a package manager is to an image: the grammar of its names, what a base needs for it, how it installs
 * and what it leaves behind. A new one is one file beside this and one line in `mod.ts`.
 * @module
 */

/** A package to install, checked. */
export interface PackageSpec {
  /** Name of the package. */
  readonly name: string;
  /** Exact version; the newest that the base's sources have if absent. */
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
  /** A command that does nothing, to see whether programs of the base run at all. */
  readonly probe: InstallStep;
  /** The commands, in order. */
  readonly steps: readonly InstallStep[];
}

/** A package manager that images can have. */
export interface Manager {
  /** Its name in `[bootstrap.packages]`, the part before the colon. */
  readonly name: string;
  /** What a name of a package looks like; nothing that is an option or a glob. */
  readonly packageName: RegExp;
  /** What a version looks like. */
  readonly version: RegExp;
  /** Paths without which it does not work in a base. */
  readonly requires: readonly string[];
  /** What bases have it, for messages: `a Debian or Ubuntu`. */
  readonly bases: string;
  /** Its database: the file, relative to the root, and what begins the lines of an entry. */
  readonly database: { readonly path: string; readonly name: string; readonly version: string };
  /** Directories of its own whose content is no part of any package. */
  readonly caches: readonly string[];
  /** Other paths of its own that are no part of any package. */
  readonly state: readonly RegExp[];
  /** How it installs packages. */
  install(packages: readonly PackageSpec[]): Installation;
}

/** Packages as arguments: `NAME` or `NAME=VERSION`, which both managers take. */
export function packageArguments(packages: readonly PackageSpec[]): string[] {
  return packages.map(({ name, version }) => version === undefined ? name : `${name}=${version}`);
}
