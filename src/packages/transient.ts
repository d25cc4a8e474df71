/**
 * What an installation leaves behind that is no part of any package: caches, logs, locks, backups, and
 * what is random or depends on the time or the machine. None of it goes into a layer, so that the same
 * packages give the same bytes (spec.md, section 10).
 *
 * Nothing is deleted: a path that is left out keeps what the base has, or stays absent.
 * @module
 */
import { isWithin } from "../paths.ts";
import { managerOf } from "./managers/mod.ts";
import type { SnapshotEntry } from "./snapshot.ts";

/** What becomes of a changed path. */
export type Treatment =
  /** It goes into the layer. */
  | "keep"
  /** The base's stays, or nothing. */
  | "drop"
  /** The same, and the user is told: it is a secret made while installing. */
  | "drop-secret"
  /** An empty file goes into the layer if the base has none. */
  | "empty";

/** Directories of which nothing goes into a layer, and which are mount points while installing. */
const MOUNTED = ["dev", "proc", "sys", "run", "tmp"];

/** Directories whose content is dropped, whatever the manager. */
const DIRECTORIES = ["var/tmp", "var/cache/ldconfig", "var/cache/man", "root/.cache"];

/** Single paths that are dropped. */
const PATHS: readonly RegExp[] = [
  /^etc\/(?:resolv\.conf|hosts|hostname|\.pwd\.lock)$/,
  /^etc\/(?:passwd|group|shadow|gshadow|subuid|subgid)-$/,
  /^var\/lib\/dbus\/machine-id$/,
  /^var\/lib\/systemd\/(?:random-seed|credential\.secret)$/,
];

/** Private keys that packages make when they are installed; in an image, everyone would have them. */
const SECRETS: readonly RegExp[] = [
  /^etc\/ssh\/ssh_host_[a-z0-9]+_key(?:\.pub)?$/,
  /^etc\/ssl\/private\/ssl-cert-snakeoil\.key$/,
  /^etc\/ssl\/certs\/ssl-cert-snakeoil\.pem$/,
];

/**
 * What becomes of a path that an installation changed or created.
 *
 * @param after what is there now; `undefined` if it was removed.
 */
export function treat(
  path: string,
  after: SnapshotEntry | undefined,
  manager: string,
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
