/**
 * Links to directories in the base (`/lib` → `usr/lib`) in the paths of a layer's entries. Engines unpack a
 * layer on its own: an entry `lib/x` creates a directory `lib`, which hides the base's link and everything
 * it leads to. So entries are written to the link's target, as `COPY` in a Dockerfile does.
 * @module
 */
import { EntryMap } from "./entries.ts";
import { joinPath, type LayerEntry, parentPath } from "../entry.ts";

/**
 * The directory that a link at an image path leads to, without leading slash; `undefined` if it is not a
 * link.
 */
export type MaybeLink = (path: string) => string | undefined;

/** Resolves the links in the path of a directory. */
function realDirectory(path: string, maybeLink: MaybeLink): string {
  if (path === "") return "";
  return path.split("/").reduce((directory, name) => {
    const next = joinPath(directory, name);
    return maybeLink(next) ?? next;
  }, "");
}

/**
 * Moves entries to the targets of the base's links. A directory at the path of a link becomes the link's
 * target; a file replaces the link. Of two entries at one path, the later one wins.
 *
 * @param entries in archive order, including every parent.
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
