/**
 * Files that an installation leaves behind and that are not part of any package: caches, logs, locks,
 * backups, and files that are random or depend on the time or the machine. They are not in the layer, so that
 * the same packages give the same bytes (spec.md, section 10).
 *
 * Nothing is deleted: a path that is left out keeps the base's content, or stays absent.
 * @module
 */
import type { ManagerName } from "../oci/mod.ts";
import { isWithin } from "../paths.ts";
import { managerOf } from "./managers/mod.ts";
import type { SnapshotEntry } from "./snapshot.ts";

/** How a changed path is treated. */
export type Treatment =
  /** It goes into the layer. */
  | "keep"
  /** The base's stays, or nothing. */
  | "drop"
  /** The same, with a warning: it is a secret generated during installation. */
  | "drop-secret"
  /** An empty file is added to the layer if the base has none. */
  | "empty";

/** Directories that are never in a layer, and that are mount points during installation. */
const MOUNTED = ["dev", "proc", "sys", "run", "tmp"];

/** Directories whose content is dropped, for every manager. */
const DIRECTORIES = ["var/tmp", "var/cache/ldconfig", "var/cache/man", "root/.cache"];

/** Single paths that are dropped. */
const PATHS: readonly RegExp[] = [
  /^etc\/(?:resolv\.conf|hosts|hostname|\.pwd\.lock)$/,
  /^etc\/(?:passwd|group|shadow|gshadow|subuid|subgid)-$/,
  /^var\/lib\/dbus\/machine-id$/,
  /^var\/lib\/systemd\/(?:random-seed|credential\.secret)$/,
];

/** Private keys that packages generate during installation; in an image, everyone would have them. */
const SECRETS: readonly RegExp[] = [
  /^etc\/ssh\/ssh_host_[a-z0-9]+_key(?:\.pub)?$/,
  /^etc\/ssl\/private\/ssl-cert-snakeoil\.key$/,
  /^etc\/ssl\/certs\/ssl-cert-snakeoil\.pem$/,
];

/**
 * What becomes of a path that an installation changed or created.
 *
 * @param after the current entry; `undefined` if it was removed.
 */
export function treat(
  path: string,
  after: SnapshotEntry | undefined,
  manager: ManagerName,
): Treatment {
  if (MOUNTED.some((directory) => isWithin(path, directory))) return "drop";
  const { caches: own, state } = managerOf(manager);
  const caches = [...DIRECTORIES, ...own];
  if (caches.some((directory) => path.startsWith(`${directory}/`))) return "drop";
  if ([...PATHS, ...state].some((pattern) => pattern.test(path))) return "drop";
  if (isWithin(path, "var/log")) {
    // Packages own the directories there, and expect some files with their owner.
    const isLog = after === undefined || after.type === "file" && after.size > 0;
    return isLog ? "drop" : "keep";
  }
  if (path === "etc/machine-id") return after?.type === "file" ? "empty" : "drop";
  if (after?.type === "file" && SECRETS.some((pattern) => pattern.test(path))) {
    return "drop-secret";
  }
  return "keep";
}
