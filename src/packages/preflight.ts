/**
 * Whether packages can be installed on this machine at all; checked before any work (fault U32).
 * @module
 */
import { MiseOciError } from "../errors.ts";

/** Facts about the host; tests use other values. */
export interface HostFacts {
  /** Operating system, as `Deno.build.os` has it. */
  readonly os: string;
  /** User id; `null` on systems without user ids. */
  readonly uid: number | null;
  /** Whether reading, writing and running programs are allowed without a path. */
  readonly allowed: Readonly<Record<"read" | "write", boolean>>;
}

/** The facts of this host. */
export function hostFacts(): HostFacts {
  const allowed = (name: "read" | "write"): boolean =>
    Deno.permissions.querySync({ name }).state === "granted";
  return {
    os: Deno.build.os,
    uid: Deno.uid(),
    allowed: { read: allowed("read"), write: allowed("write") },
  };
}

/**
 * Checks that packages can be installed on this host.
 *
 * @throws {MiseOciError} `packages` if it is not Linux or the user not root, `permission` naming the flag
 * that is missing.
 */
export function checkHost({ os, uid, allowed }: HostFacts = hostFacts()): void {
  if (os !== "linux") {
    throw new MiseOciError("packages", "Cannot install system packages: it takes a Linux host", {
      hint: "Build on Linux, or choose a base image that has the packages",
    });
  }
  for (const name of ["read", "write"] as const) {
    if (allowed[name]) continue;
    // Deno.symlink refuses grants that are limited to paths.
    throw new MiseOciError(
      "permission",
      `Cannot install system packages: unpacking links takes --allow-${name} for all paths`,
      { hint: `Pass --allow-${name} without paths` },
    );
  }
  if (uid !== 0) {
    throw new MiseOciError("packages", "Cannot install system packages: it takes root", {
      hint: "Run mise-oci as root, or in a user name space that has one: podman unshare mise-oci …",
    });
  }
}
