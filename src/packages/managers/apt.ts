/**
 * apt of Debian and Ubuntu.
 * @module
 */
import { packageWords } from "../../oci/mod.ts";
import type { Installation, Manager, PackageSpec } from "./manager.ts";

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
 * Lists and archives are fetched first. Installation, including the maintainer scripts, then runs without
 * network, so that nothing unversioned is downloaded.
 */
function install(packages: readonly PackageSpec[]): Installation {
  const apt = "/usr/bin/apt-get";
  const pinned = packages.some(({ version }) => version !== undefined);
  const install = [
    ...APT_OPTIONS,
    ...(pinned ? ["--allow-downgrades"] : []),
    "install",
    "--",
    ...packageWords("apt", packages),
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

/** The manager. */
export const apt: Manager = {
  name: "apt",
  packageName: /^[a-z0-9][a-z0-9.+-]*[a-z0-9.+](?::[a-z0-9-]+)?$/,
  version: /^[A-Za-z0-9][A-Za-z0-9.+~:-]*\*?$/,
  requires: ["etc/apt", "var/lib/dpkg/status", "usr/bin/apt-get", "usr/bin/dpkg"],
  bases: "a Debian or Ubuntu",
  database: { path: "var/lib/dpkg/status", name: "Package: ", version: "Version: " },
  caches: ["var/cache/apt", "var/lib/apt/lists", "var/lib/apt/periodic", "var/lib/apt/mirrors"],
  state: [
    /^var\/lib\/dpkg\/(?:lock|lock-frontend|triggers\/Lock|[a-z]+-old)$/,
    /^var\/lib\/apt\/daily_lock$/,
    /^var\/cache\/debconf\/[a-z]+\.dat-old$/,
    /^usr\/sbin\/policy-rc\.d$/,
  ],
  install,
};
