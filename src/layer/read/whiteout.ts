/**
 * Whiteouts (image-spec, layer.md "Whiteouts"): entries that remove what lower layers have.
 * @module
 */

/** What a name beginning with `.wh.` means. */
export type Whiteout =
  /** The path of lower layers is removed. */
  | { readonly type: "remove"; readonly path: string }
  /** What lower layers have in the directory is removed. */
  | { readonly type: "opaque"; readonly path: string }
  /** AUFS's own files, which mean nothing. */
  | { readonly type: "metadata" };

const PREFIX = ".wh.";
const OPAQUE = ".wh..wh..opq";
const METADATA = ".wh..wh.";

/**
 * What a normalised path means if it is a whiteout; `undefined` for every other path.
 *
 * @throws {RangeError} saying why if the name is reserved and means nothing: `.wh.` alone, `.wh..`,
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
