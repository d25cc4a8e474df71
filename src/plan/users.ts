/**
 * Users of an image, as its `/etc/passwd` names them.
 * @module
 */
import type { Owner } from "./types.ts";

/** A user of an image. */
export interface ImageUser extends Owner {
  /** Absolute directory, without a trailing slash unless it is the root. */
  readonly home: string;
}

function maybeHome(text: string | undefined): string | undefined {
  if (text === undefined || !text.startsWith("/")) return undefined;
  const parts = text.split("/").filter((part) => part !== "");
  return parts.some((part) => part === "." || part === "..") ? undefined : `/${parts.join("/")}`;
}

/**
 * The user that an image's `User` names (`app`, `1000`, `app:staff`), `undefined` if `/etc/passwd` does
 * not know it or gives it no home.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { maybeImageUser } from "./users.ts";
 *
 * const passwd = "root:x:0:0:root:/root:/bin/sh\napp:x:1000:100::/srv/app/:/bin/sh\n";
 * assertEquals(maybeImageUser("app:staff", passwd), { uid: 1000, gid: 100, home: "/srv/app" });
 * assertEquals(maybeImageUser("1000", passwd)?.home, "/srv/app");
 * assertEquals(maybeImageUser("nobody", passwd), undefined);
 * ```
 */
export function maybeImageUser(user: string, passwd: string): ImageUser | undefined {
  const [wanted = ""] = user.split(":");
  const rows = passwd.split("\n").map((line) => line.replace(/\r$/, "").split(":"));
  // A name that looks like a number is a name first, as in every container runtime.
  const row = rows.find(([name]) => wanted !== "" && name === wanted) ??
    rows.find(([, , uid]) => /^\d+$/.test(wanted) && Number(uid) === Number(wanted));
  const [uid, gid] = [Number(row?.[2] || NaN), Number(row?.[3] || NaN)];
  const home = maybeHome(row?.[5]);
  const isId = (id: number): boolean => Number.isInteger(id) && id >= 0 && id <= 0xffff_ffff;
  return home === undefined || !isId(uid) || !isId(gid) ? undefined : { uid, gid, home };
}
