/**
 * Paths of the image in flags and config files: mise's data directory, and the targets of copies.
 * @module
 */
import { MiseOciError } from "../errors.ts";

/** System directories, which must not contain mise's `installs/`. */
const SYSTEM = /^\/(?:bin|boot|etc|lib(?:32|64|x32)?|sbin|usr|usr\/(?:bin|lib|sbin))$/;
/** Containers mount their own file systems there, which would hide the image's files. */
const COVERED = /^\/(?:dev|proc|sys)(?:\/|$)/;

declare const mountPoint: unique symbol;
/** Absolute image directory of mise's data, as returned by {@linkcode parseMountPoint}. */
export type MountPoint = string & { readonly [mountPoint]: true };

/**
 * Checks and normalises the image path of a copy: absolute, not the root, without `.` and `..`; double and
 * trailing slashes are removed.
 *
 * @param fail throws an error with the problem, `image path "x" is not absolute`.
 */
export function parseImagePath(path: string, fail: (why: string) => never): string {
  const shown = JSON.stringify(path);
  const parts = path.split("/").filter((part) => part !== "");
  if (path === "") fail("image path is empty");
  if (!path.startsWith("/")) fail(`image path ${shown} is not absolute`);
  if (parts.length === 0) fail(`image path ${shown} is the root of the image`);
  if (parts.some((part) => part === "." || part === "..")) {
    fail(`image path ${shown} has a "." or ".."`);
  }
  if (path.includes("\0")) fail("image path contains a NUL character");
  const result = `/${parts.join("/")}`;
  if (COVERED.test(result)) fail(`image path ${shown} is hidden: containers mount their own there`);
  return result;
}

/**
 * Parses a mount point: an absolute image directory other than `/` and the system's.
 *
 * @throws {MiseOciError} `usage` saying what is wrong with it.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { parseMountPoint } from "./image_path.ts";
 *
 * assertEquals<string>(parseMountPoint("/opt/mise/"), "/opt/mise");
 * ```
 */
export function parseMountPoint(text: string): MountPoint {
  const fail = (why: string): never => {
    throw new MiseOciError("usage", `Cannot use mount point ${JSON.stringify(text)}: ${why}`, {
      hint: "Write an absolute directory such as /mise or /opt/mise",
    });
  };
  if (text === "") fail("it is empty");
  if (!text.startsWith("/")) fail("it is not absolute");
  // deno-lint-ignore no-control-regex
  if (/[\x00-\x1f\x7f:]/.test(text)) {
    fail("it contains a colon or a control character, which PATH cannot hold");
  }
  const parts = text.split("/").filter((part) => part !== "");
  if (parts.length === 0) fail("it is the root of the image");
  if (parts.some((part) => part === "." || part === "..")) fail('it contains "." or ".."');
  const path = `/${parts.join("/")}`;
  if (SYSTEM.test(path)) fail("it is a directory of the system");
  if (COVERED.test(path)) fail("containers mount their own there, and the tools would not be seen");
  return path as MountPoint;
}

/**
 * Paths of the system's certificates, the most common first: those that Go's crypto/x509 (root_linux.go) and
 * the distributions' OpenSSL, curl and git read.
 */
export const CERTIFICATE_BUNDLES: readonly string[] = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/ssl/ca-bundle.pem",
  "/etc/pki/tls/cacert.pem",
  "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
  "/etc/ssl/cert.pem",
];

/** PATH where nothing sets one: that of container engines, and of most shells. */
export const DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** The default image directory for mise's data. */
export const DEFAULT_MOUNT_POINT = "/mise";
