/**
 * Whiteouts (image-spec, layer.md "Whiteouts"): entries that remove files of lower layers.
 * @module
 */

/** The meaning of a name that begins with `.wh.`. */
export type Whiteout =
  /** Removes the path from lower layers. */
  | { readonly type: "remove"; readonly path: string }
  /** Hides the contents of the directory in lower layers. */
  | { readonly type: "opaque"; readonly path: string }
  /** AUFS metadata, which is ignored. */
  | { readonly type: "metadata" };

const PREFIX = ".wh.";
const OPAQUE = ".wh..wh..opq";
const METADATA = ".wh..wh.";

/**
 * Parses a normalized path as a whiteout; `undefined` for other paths.
 *
 * @throws {RangeError} with the reason if the name is reserved and has no meaning: `.wh.` alone, `.wh..`,
 * `.wh...`, or a directory whose name begins with `.wh.`.
 */
export function maybeWhiteout(path: string): Whiteout | undefined {
  if (!path.includes(PREFIX)) return undefined;
  const slash = path.lastIndexOf("/");
  const directory = slash < 0 ? "" : path.slice(0, slash);
  const name = path.slice(slash + 1);
  const parents = directory.split("/").filter((part) => part.startsWith(PREFIX));
  if (parents.some((part) => part.startsWith(METADATA) && part !== OPAQUE)) {
    return { type: "metadata" };
  }
  if (parents.length > 0) throw new RangeError("it is inside a directory with a whiteout's name");
  if (!name.startsWith(PREFIX)) return undefined;
  if (name === OPAQUE) return { type: "opaque", path: directory };
  if (name.startsWith(METADATA)) return { type: "metadata" };
  const removed = name.slice(PREFIX.length);
  if (removed === "" || removed === "." || removed === "..") {
    throw new RangeError("it is a whiteout of no name");
  }
  return { type: "remove", path: directory === "" ? removed : `${directory}/${removed}` };
}
