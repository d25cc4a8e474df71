/**
 * Users of an image, from its `/etc/passwd` and `/etc/group`.
 * @module
 */
import type { Owner } from "./types.ts";

/** A user of an image. */
export interface ImageUser extends Owner {
  /**
   * Absolute directory, without a trailing slash unless it is the root; absent if `passwd` gives
   * none.
   */
  readonly home?: string;
}

/** The user database of an image; texts are empty if a file is missing. */
export interface UserDatabase {
  /** `/etc/passwd`. */
  readonly passwd: string;
  /** `/etc/group`. */
  readonly group: string;
}

/** The users of an image from `scratch`. */
export const SCRATCH_USERS: UserDatabase = {
  passwd: "root:x:0:0:root:/root:/sbin/nologin\n",
  group: "root:x:0:\n",
};

function maybeHome(text: string | undefined): string | undefined {
  if (text === undefined || !text.startsWith("/")) return undefined;
  const parts = text.split("/").filter((part) => part !== "");
  return parts.some((part) => part === "." || part === "..") ? undefined : `/${parts.join("/")}`;
}

function rowsOf(text: string): readonly (readonly string[])[] {
  return text.split("\n").map((line) => line.replace(/\r$/, "").split(":"));
}

/** Finds a row by name, or by number if no row has that name, as container runtimes do. */
function maybeRow(text: string, wanted: string): readonly string[] | undefined {
  if (wanted === "") return undefined;
  const rows = rowsOf(text);
  return rows.find(([name]) => name === wanted) ??
    rows.find(([, , id]) => /^\d+$/.test(wanted) && Number(id) === Number(wanted));
}

function maybeId(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d+$/.test(text)) return undefined;
  const id = Number(text);
  return id <= 0xffff_ffff ? id : undefined;
}

/**
 * The ids and the home of an image's `User` (`app`, `1000`, `app:staff`, `1000:1000`; image-spec,
 * config.md); `undefined` for a name that the database does not have. A number needs no row; its
 * group is then 0, as in container runtimes.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { maybeImageUser } from "./users.ts";
 *
 * const passwd = "root:x:0:0:root:/root:/bin/sh\napp:x:1000:100::/srv/app/:/bin/sh\n";
 * const database = { passwd, group: "staff:x:50:\n" };
 * assertEquals(maybeImageUser("app:staff", database), { uid: 1000, gid: 50, home: "/srv/app" });
 * assertEquals(maybeImageUser("1000", database)?.home, "/srv/app");
 * assertEquals(maybeImageUser("7", database), { uid: 7, gid: 0 });
 * assertEquals(maybeImageUser("nobody", database), undefined);
 * ```
 */
export function maybeImageUser(
  user: string,
  { passwd, group }: UserDatabase,
): ImageUser | undefined {
  const [name = "", groupName = ""] = user.split(":");
  const row = maybeRow(passwd, name);
  const uid = maybeId(row?.[2] ?? name);
  const gid = groupName === ""
    ? row === undefined ? 0 : maybeId(row[3])
    : maybeId(maybeRow(group, groupName)?.[2] ?? groupName);
  if (uid === undefined || gid === undefined) return undefined;
  const home = maybeHome(row?.[5]);
  return { uid, gid, ...(home === undefined ? {} : { home }) };
}

/** Whether a `User` is numeric, so that resolving it needs no database. */
export function isNumericUser(user: string): boolean {
  return /^\d+(?::\d+)?$/.test(user);
}
