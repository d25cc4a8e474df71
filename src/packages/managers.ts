/**
 * How each package manager is asked: which commands, in which environment.
 * @module
 */
import type { PackageManager, PackageSpec } from "./plan.ts";

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

/**
 * The time that programs see which honour `SOURCE_DATE_EPOCH`, 1980-01-01: user databases with the day of
 * the last change, Python's byte code, which is then checked by content and not by time. Not 0, which
 * would make the passwords of new users expire.
 */
export const INSTALL_EPOCH = 315532800;

const PROXIES = ["http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"];

/** The environment of every command: nothing of the host but its proxies. */
export function installEnv(
  hostEnv: (name: string) => string | undefined,
): Readonly<Record<string, string>> & { readonly PATH: string } {
  const proxies = PROXIES.flatMap((name) => {
    const value = hostEnv(name);
    return value === undefined ? [] : [[name, value]];
  });
  return {
    PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    HOME: "/root",
    LC_ALL: "C.UTF-8",
    TZ: "UTC",
    TERM: "dumb",
    DEBIAN_FRONTEND: "noninteractive",
    DEBCONF_NONINTERACTIVE_SEEN: "true",
    SOURCE_DATE_EPOCH: String(INSTALL_EPOCH),
    ...Object.fromEntries(proxies),
  };
}

function specs(packages: readonly PackageSpec[]): string[] {
  return packages.map(({ name, version }) => version === undefined ? name : `${name}=${version}`);
}

const APT_OPTIONS = [
  "-q",
  "-y",
  ...[
    "Dpkg::Use-Pty=0",
    "Dpkg::Options::=--force-confdef",
    "Dpkg::Options::=--force-confold",
    "Acquire::Retries=3",
    "Acquire::Languages=none",
    "APT::Update::Error-Mode=any",
    "APT::Cmd::Pattern-Only=true", // a name with a dot is no regular expression
    "APT::Install-Recommends=false",
  ].flatMap((option) => ["-o", option]),
];

/**
 * apt: lists and archives are fetched first; installing, with the maintainer scripts, then runs without
 * network, so that nothing unversioned gets in.
 */
function aptInstallation(packages: readonly PackageSpec[]): Installation {
  const apt = "/usr/bin/apt-get";
  const pinned = packages.some(({ version }) => version !== undefined);
  const install = [
    ...APT_OPTIONS,
    ...(pinned ? ["--allow-downgrades"] : []),
    "install",
    "--",
    ...specs(packages),
  ];
  return {
    probe: { name: "apt-get --version", command: [apt, "--version"], network: false },
    steps: [
      { name: "apt-get update", command: [apt, ...APT_OPTIONS, "update"], network: true },
      {
        name: "apt-get install --download-only",
        command: [apt, "--download-only", ...install],
        network: true,
      },
      { name: "apt-get install", command: [apt, "--no-download", ...install], network: false },
    ],
  };
}

/** apk fetches and installs in one go. */
function apkInstallation(packages: readonly PackageSpec[]): Installation {
  const apk = "/sbin/apk";
  const options = ["--no-cache", "--no-progress"];
  return {
    probe: { name: "apk --version", command: [apk, "--version"], network: false },
    steps: [{
      name: "apk add",
      command: [apk, "add", ...options, "--", ...specs(packages)],
      network: true,
    }],
  };
}

/** How the manager of a plan installs its packages. */
export function planInstallation(
  manager: PackageManager,
  packages: readonly PackageSpec[],
): Installation {
  return manager === "apt" ? aptInstallation(packages) : apkInstallation(packages);
}
