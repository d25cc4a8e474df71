/**
 * Links to directories in the base (`/lib` → `usr/lib`) on the way to what a layer holds. Engines unpack
 * a layer on its own: an entry `lib/x` makes a directory `lib` there, which then hides the base's link
 * and all that it leads to. So entries are written where the links lead, as `COPY` of a Dockerfile does.
 * @module
 */
import { EntryMap } from "./entries.ts";
import { joinPath, type LayerEntry, parentPath } from "../entry.ts";

/** The directory that a link at an image path leads to, without leading slash; `undefined` for no link. */
export type MaybeLink = (path: string) => string | undefined;

/** Where a directory really is. */
function realDirectory(path: string, maybeLink: MaybeLink): string {
  if (path === "") return "";
  return path.split("/").reduce((directory, name) => {
    const next = joinPath(directory, name);
    return maybeLink(next) ?? next;
  }, "");
}

/**
 * Moves entries to where the base's links lead. A directory at a link is the one that it leads to; a file
 * at a link takes its place, as a file takes a file's. Of two entries in one place the later one stays.
 *
 * @param entries in the order of the archive, every parent among them.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { followBaseLinks } from "./base_links.ts";
 *
 * const attributes = { mode: 0o755, uid: 0, gid: 0, target: "" };
 * const entries = [
 *   { path: "lib", type: "directory" as const, ...attributes },
 *   { path: "lib/x", type: "file" as const, ...attributes },
 * ];
 * const moved = followBaseLinks(entries, (path) => path === "lib" ? "usr/lib" : undefined);
 * assertEquals(moved.map(({ path }) => path), ["usr", "usr/lib", "usr/lib/x"]);
 * ```
 */
export function followBaseLinks(entries: LayerEntry[], maybeLink: MaybeLink): LayerEntry[] {
  const linked = entries.some(({ type, path }) =>
    type === "directory" && maybeLink(path) !== undefined
  );
  if (!linked) return entries;
  const moved = new EntryMap();
  for (const entry of entries) {
    const { type, path } = entry;
    const parent = realDirectory(parentPath(path), maybeLink);
    const name = path.slice(path.lastIndexOf("/") + 1);
    const plain = joinPath(parent, name);
    const real = type === "directory" ? maybeLink(plain) ?? plain : plain;
    moved.addParents(real, (missing) => ({
      path: missing,
      type: "directory",
      mode: 0o755,
      uid: entry.uid,
      gid: entry.gid,
      target: "",
    }));
    moved.set({ ...entry, path: real });
  }
  return moved.sorted();
}
