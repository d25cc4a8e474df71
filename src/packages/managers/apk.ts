/**
 * apk of Alpine and Wolfi.
 * @module
 */
import { packageWords } from "../../oci/mod.ts";
import type { Installation, Manager, PackageSpec } from "./manager.ts";

/** apk fetches and installs in one step. */
function install(packages: readonly PackageSpec[]): Installation {
  const apk = "/sbin/apk";
  const options = ["--no-cache", "--no-progress"];
  return {
    probe: { name: "apk --version", command: [apk, "--version"], network: false },
    steps: [{
      name: "apk add",
      command: [apk, "add", ...options, "--", ...packageWords("apk", packages)],
      network: true,
    }],
  };
}

/** The manager. */
export const apk: Manager = {
  name: "apk",
  packageName: /^[A-Za-z0-9_.][A-Za-z0-9_.+:-]*$/,
  version: /^[A-Za-z0-9][A-Za-z0-9._+-]*$/,
  requires: ["etc/apk", "lib/apk/db/installed", "sbin/apk"],
  bases: "an Alpine or Wolfi",
  database: { path: "lib/apk/db/installed", name: "P:", version: "V:" },
  caches: ["var/cache/apk", "etc/apk/cache"],
  state: [/^(?:usr\/)?lib\/apk\/(?:db\/lock|exec)$/],
  install,
};
