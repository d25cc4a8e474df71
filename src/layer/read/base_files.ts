/**
 * The files of a base image, with all its layers merged.
 * @module
 */
import { MiseOciError } from "../../errors.ts";
import type { IndexedEntry, LayerIndex } from "./layer_index.ts";
import { maybeWhiteout } from "./whiteout.ts";

/** Maximum number of symbolic links in the resolution of a path, as in Linux. */
export const MAX_LINKS = 40;

/** A file, directory or link of the merged image. */
export interface BaseFile {
  /** Normalized path relative to the root, without links; empty for the root. */
  readonly path: string;
  /** Type; for a hard link, that of its target. */
  readonly type: Exclude<IndexedEntry["type"], "hardlink">;
  /** Permission bits with setuid, setgid and sticky. */
  readonly mode: number;
  /** User id. */
  readonly uid: number;
  /** Group id. */
  readonly gid: number;
  /** Size of the content in bytes. */
  readonly size: number;
  /** Target of a symbolic link. */
  readonly link?: string;
  /** The index entry it comes from; absent for implied directories. */
  readonly entry?: IndexedEntry;
}

/** The merged view of an image's layers. Paths may have leading slashes. */
export interface BaseFiles {
  /** The entry at exactly this path, without following links. */
  get(path: string): BaseFile | undefined;
  /** Whether there is a directory, not a link to one, at exactly this path. */
  hasDirectory(path: string): boolean;
  /** The entry that the path resolves to inside the image, with all links followed. */
  resolve(path: string): BaseFile | undefined;
  /** The sorted names in the directory that the path resolves to; empty if it is not a directory. */
  names(path: string): readonly string[];
  /** The text of a file whose text indexes keep (`/etc/passwd`, …), links followed. */
  text(path: string): string | undefined;
  /** All entries, parents before children, siblings sorted by name. */
  entries(): Iterable<BaseFile>;
}

interface Node {
  file: Omit<BaseFile, "path">;
  children: Map<string, Node> | undefined;
  text: string | undefined;
}

const DIRECTORY = { type: "directory", mode: 0o755, uid: 0, gid: 0, size: 0 } as const;

/**
 * Merges the indexes of an image's layers, bottom first, as if unpacking them: whiteouts and opaque
 * directories hide entries of lower layers, links in parent directories are followed inside the image.
 *
 * @throws {MiseOciError} `invalid` naming layer and path for a layer that could not be unpacked.
 */
export function mergeIndexes(indexes: readonly LayerIndex[]): BaseFiles {
  const tree = new Tree();
  indexes.forEach((index, layer) => {
    attemptEach(layer, index.entries, ({ path }) => tree.applyWhiteout(path));
    attemptEach(layer, index.entries, (entry) => {
      if (maybeWhiteout(entry.path) === undefined) tree.add(entry, index.texts);
    });
  });
  return tree;
}

function attemptEach(
  layer: number,
  entries: readonly IndexedEntry[],
  action: (entry: IndexedEntry) => void,
): void {
  let path = "";
  try {
    for (const entry of entries) {
      path = entry.path;
      action(entry);
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    const shown = JSON.stringify(path.slice(0, 200));
    throw new MiseOciError(
      "invalid",
      `Cannot use layer ${layer + 1} of the base image: ${shown}: ${error.message}`,
    );
  }
}

function split(path: string): string[] {
  return path.split("/").filter((part) => part !== "" && part !== ".");
}

class Tree implements BaseFiles {
  readonly #root: Node = { file: DIRECTORY, children: new Map(), text: undefined };
  /** The directory of the last entry, since the next one is usually in the same directory. */
  #last: { readonly path: string; readonly node: Node } | undefined;

  get(path: string): BaseFile | undefined {
    const parts = split(path);
    const node = this.#exact(parts);
    return node === undefined ? undefined : { path: parts.join("/"), ...node.file };
  }

  hasDirectory(path: string): boolean {
    return this.#exact(split(path))?.file.type === "directory";
  }

  resolve(path: string): BaseFile | undefined {
    const found = this.#follow(path);
    return found === undefined ? undefined : { path: found.path.join("/"), ...found.node.file };
  }

  names(path: string): readonly string[] {
    return [...this.#follow(path)?.node.children?.keys() ?? []].sort((a, b) => a < b ? -1 : 1);
  }

  text(path: string): string | undefined {
    return this.#follow(path)?.node.text;
  }

  *entries(): Iterable<BaseFile> {
    yield* walk("", this.#root);
  }

  /** Applies a whiteout; does nothing for other paths. */
  applyWhiteout(path: string): void {
    const whiteout = maybeWhiteout(path);
    if (whiteout === undefined || whiteout.type === "metadata") return;
    this.#last = undefined;
    const parts = split(whiteout.path);
    if (whiteout.type === "opaque") {
      const directory = this.#walk(parts, { create: false });
      directory?.node.children?.clear();
      return;
    }
    const name = parts.pop()!;
    this.#walk(parts, { create: false })?.node.children?.delete(name);
  }

  /** Adds an entry where unpacking would. */
  add(entry: IndexedEntry, texts: ReadonlyMap<string, string>): void {
    const { path, type, mode, uid, gid, size, link } = entry;
    const place = this.#place(path);
    if (place === undefined) {
      if (type !== "directory") throw new RangeError("the root can only be a directory");
      this.#root.file = { type, mode, uid, gid, size, entry };
      return;
    }
    const { name, parent } = place;
    const children = parent.children!;
    const old = children.get(name);
    // The replaced entry may have been part of the last directory's path.
    if (old !== undefined) this.#last = undefined;
    if (type === "hardlink") {
      children.set(name, this.#linked(link!));
      return;
    }
    const merges = type === "directory" && old?.file.type === "directory";
    children.set(name, {
      file: { type, mode, uid, gid, size, entry, ...(link === undefined ? {} : { link }) },
      children: merges ? old.children : type === "directory" ? new Map() : undefined,
      text: texts.get(path),
    });
  }

  /** The parent and name at which a path is added; `undefined` for the root. */
  #place(path: string): { readonly name: string; readonly parent: Node } | undefined {
    const slash = path.lastIndexOf("/");
    const directory = path.slice(0, Math.max(0, slash));
    const last = path.slice(slash + 1);
    const plain = last !== "" && last !== "." && last !== "..";
    if (plain && this.#last?.path === directory) return { name: last, parent: this.#last.node };
    const parts = split(path);
    const name = parts.pop();
    if (name === undefined) return undefined;
    const parent = this.#walk(parts, { create: true })!.node;
    this.#last = plain ? { path: directory, node: parent } : undefined;
    return { name, parent };
  }

  #linked(target: string): Node {
    const parts = split(target);
    const name = parts.pop();
    const parent = this.#walk(parts, { create: false });
    const node = name === undefined ? undefined : parent?.node.children?.get(name);
    if (node === undefined) throw new RangeError("its hard link target does not exist");
    if (node.file.type === "directory") throw new RangeError("it is a hard link to a directory");
    return node;
  }

  #exact(parts: readonly string[]): Node | undefined {
    let node: Node | undefined = this.#root;
    for (const part of parts) {
      node = part === ".." ? undefined : node?.children?.get(part);
      if (node === undefined) return undefined;
    }
    return node;
  }

  #follow(path: string): { node: Node; path: string[] } | undefined {
    try {
      return this.#walk(split(path), { create: false, anything: true });
    } catch (error) {
      if (error instanceof RangeError) return undefined;
      throw error;
    }
  }

  /** Resolves a path to a directory (with `anything`, to any entry), following links inside the image. */
  #walk(
    parts: readonly string[],
    options: { create: boolean; anything?: boolean },
  ): { node: Node; path: string[] } | undefined {
    const todo = [...parts].reverse();
    const trail: { node: Node; name: string }[] = [];
    let links = 0;
    for (let part = todo.pop(); part !== undefined; part = todo.pop()) {
      if (part === "..") {
        trail.pop();
        continue;
      }
      const parent = trail.at(-1)?.node ?? this.#root;
      if (parent.children === undefined) return notDirectory(options.create);
      let node = parent.children.get(part);
      if (node === undefined) {
        if (!options.create) return undefined;
        node = { file: DIRECTORY, children: new Map(), text: undefined };
        parent.children.set(part, node);
      }
      if (node.file.type === "symlink") {
        if (++links > MAX_LINKS) throw new RangeError("too many symbolic links on the way");
        const target = node.file.link ?? "";
        if (target.startsWith("/")) trail.length = 0;
        todo.push(...split(target).reverse());
      } else trail.push({ node, name: part });
    }
    const node = trail.at(-1)?.node ?? this.#root;
    if (node.children === undefined && options.anything !== true) {
      return notDirectory(options.create);
    }
    return { node, path: trail.map((step) => step.name) };
  }
}

/** A missing directory is an error only when adding. */
function notDirectory(create: boolean): undefined {
  if (create) throw new RangeError("a parent is not a directory");
  return undefined;
}

function* walk(path: string, node: Node): Iterable<BaseFile> {
  yield { path, ...node.file };
  if (node.children === undefined) return;
  const sorted = [...node.children].sort(([a], [b]) => a < b ? -1 : 1);
  for (const [name, child] of sorted) {
    yield* walk(path === "" ? name : `${path}/${name}`, child);
  }
}
