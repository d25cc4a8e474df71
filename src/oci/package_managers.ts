/**
 * The package managers of base images: what is known of each without running it. How they install packages is in
 * `src/packages/managers/`, which has an object for each.
 * @module
 */

/** A package manager that a base image can have. */
export interface PackageManager {
  /** What stands between name and version of a package, for the manager's command line. */
  readonly pin: "=" | "-";
  /** The command in the history of an image: `mise-oci: apt-get install jq`. */
  readonly history: string;
  /** `ID` and `ID_LIKE` of distributions that have it (os-release). */
  readonly distributions: readonly string[];
  /** Paths of its program, in an image. */
  readonly programs: readonly [string, ...string[]];
  /** The base of a new project with its packages. */
  readonly base: string;
  /** Its commands in a Dockerfile. */
  readonly dockerfile: {
    /** What precedes an installation, if anything does. */
    readonly update?: string;
    /** Installs the packages whose names follow. */
    readonly install: string;
    /** What removes what an installation leaves behind, if it does. */
    readonly clean?: string;
    /** The packages with which mise installs tools from sources. */
    readonly buildTools: string;
  };
}

/** Every package manager by the name that `[bootstrap.packages]` and `dev.mise.system.packages` have. */
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

/** Every name, in the order of messages. */
export const MANAGER_NAMES: readonly ManagerName[] = Object.keys(PACKAGE_MANAGERS) as ManagerName[];

/** The facts of a package manager. */
export function packageManager(name: ManagerName): PackageManager {
  return PACKAGE_MANAGERS[name];
}

/** Packages as the manager's command line has them: `jq`, or `jq=1.7` for a version. */
export function packageWords(
  manager: ManagerName,
  packages: readonly { readonly name: string; readonly version?: string }[],
): readonly string[] {
  const { pin } = PACKAGE_MANAGERS[manager];
  return packages.map(({ name, version }) =>
    version === undefined ? name : `${name}${pin}${version}`
  );
}
