/**
 * The package managers of base images, described by data. Their installation code is in
 * `src/packages/managers/`.
 * @module
 */

/** A package manager that a base image can have. */
export interface PackageManager {
  /** The separator between name and version of a package on the command line. */
  readonly pin: "=" | "-";
  /** The command in the history of an image: `mise-oci: apt-get install jq`. */
  readonly history: string;
  /** `ID` and `ID_LIKE` of distributions that have it (os-release). */
  readonly distributions: readonly string[];
  /** Paths of its program, in an image. */
  readonly programs: readonly [string, ...string[]];
  /** The default base of a new project that has packages of this manager. */
  readonly base: string;
  /** Its commands in a Dockerfile. */
  readonly dockerfile: {
    /** Command before an installation, if one is needed. */
    readonly update?: string;
    /** Command that installs the packages appended to it. */
    readonly install: string;
    /** Command that cleans up after an installation, if one is needed. */
    readonly clean?: string;
    /** Packages that mise needs to build tools from source. */
    readonly buildTools: string;
  };
}

/** The package managers by their name in `[bootstrap.packages]` and `dev.mise.system.packages`. */
export const PACKAGE_MANAGERS = {
  apt: {
    pin: "=",
    history: "apt-get install",
    distributions: ["debian", "ubuntu"],
    programs: ["/usr/bin/apt-get", "/bin/apt-get"],
    base: "debian:bookworm-slim",
    dockerfile: {
      update: "apt-get update",
      install: "apt-get install -y --no-install-recommends",
      clean: "rm -rf /var/lib/apt/lists/*",
      buildTools: "ca-certificates curl git xz-utils unzip build-essential pkg-config",
    },
  },
  apk: {
    pin: "=",
    history: "apk add",
    distributions: ["alpine"],
    programs: ["/sbin/apk", "/usr/sbin/apk"],
    base: "alpine:3.22",
    dockerfile: {
      install: "apk add --no-cache",
      buildTools: "bash build-base ca-certificates curl git pkgconf unzip xz",
    },
  },
} as const satisfies Readonly<Record<string, PackageManager>>;

/** The name of a package manager: `apt`. */
export type ManagerName = keyof typeof PACKAGE_MANAGERS;

/** All names, in the order used in messages. */
export const MANAGER_NAMES: readonly ManagerName[] = Object.keys(PACKAGE_MANAGERS) as ManagerName[];

/** The package manager with a name. */
export function packageManager(name: ManagerName): PackageManager {
  return PACKAGE_MANAGERS[name];
}

/** Packages as command line arguments: `jq`, or `jq=1.7` for a version. */
export function packageWords(
  manager: ManagerName,
  packages: readonly { readonly name: string; readonly version?: string }[],
): readonly string[] {
  const { pin } = PACKAGE_MANAGERS[manager];
  return packages.map(({ name, version }) =>
    version === undefined ? name : `${name}${pin}${version}`
  );
}
