/**
 * Where the testbed is, and what the host is: the only place of the tests that asks.
 * @module
 */
import { fromFileUrl, join } from "@std/path";

/** Absolute path of the repository. */
export const REPOSITORY: string = fromFileUrl(new URL("../../../", import.meta.url)).replace(
  /\/$/,
  "",
);

/** The host's architecture as npm packages call it. */
export const NPM_ARCH: "x64" | "arm64" = Deno.build.arch === "aarch64" ? "arm64" : "x64";

/** The host's architecture as OCI and Debian call it. */
export const OCI_ARCH: "amd64" | "arm64" = Deno.build.arch === "aarch64" ? "arm64" : "amd64";

/** Whether the tests run as root; only root can install packages, make a base image, run containers. */
export const IS_ROOT: boolean = Deno.build.os === "linux" && Deno.uid() === 0;

/** Absolute path of the user's cache, below which the tests keep what they fetch or make. */
export const USER_CACHE: string = Deno.env.get("XDG_CACHE_HOME") ||
  join(Deno.env.get("HOME") ?? "/root", ".cache");

/** Absolute path of what the tests fetch or make once; every clone of the user's shares it. */
export const TESTBED: string = join(USER_CACHE, "mise-oci-testbed");
