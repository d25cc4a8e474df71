/**
 * The files of a layer as a tree of sizes.
 * @module
 */

/** A file of a layer with its size. */
export interface SizedFile {
  /** Path relative to the root, without a leading slash. */
  readonly path: string;
  /** Bytes of content. */
  readonly size: number;
}

/** A directory or file with everything below it. */
export interface SizeNode {
  /** Its name, or several joined by `/` for directories that contain only one other directory. */
  readonly name: string;
  /** Its path from the root. */
  readonly path: string;
  /** Bytes of content, including everything below. */
  readonly size: number;
  /** Number of files, including everything below. */
  readonly files: number;
  /** Its children, the largest first; absent for a file. */
  readonly children?: readonly SizeNode[];
}

interface Draft {
  size: number;
  files: number;
  children: Map<string, Draft> | undefined;
}

function add(root: Draft, { path, size }: SizedFile): void {
  const parts = path.split("/").filter((part) => part !== "");
  let node = root;
  for (const part of ["", ...parts]) {
    if (part !== "") {
      node.children ??= new Map();
      const known = node.children.get(part);
      const child = known ?? { size: 0, files: 0, children: undefined };
      if (known === undefined) node.children.set(part, child);
      node = child;
    }
    node.size += size;
    node.files++;
  }
}

function finish(name: string, path: string, draft: Draft): SizeNode {
  const { size, files, children } = draft;
  if (children === undefined) return { name, path, size, files };
  const nodes = [...children].map(([child, node]) =>
    finish(child, path === "" ? child : `${path}/${child}`, node)
  ).sort((a, b) => b.size - a.size || (a.name < b.name ? -1 : 1));
  const [only] = nodes;
  // A chain of directories with one child each is shown as one directory.
  if (only?.children !== undefined && nodes.length === 1 && name !== "") {
    return { ...only, name: `${name}/${only.name}` };
  }
  return { name, path, size, files, children: nodes };
}

/**
 * The tree of some files.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { sizeTree } from "./size_tree.ts";
 *
 * const tree = sizeTree([{ path: "usr/bin/a", size: 3 }, { path: "usr/bin/b", size: 4 }]);
 * assertEquals([tree.size, tree.files], [7, 2]);
 * assertEquals(tree.children?.[0]?.name, "usr/bin");
 * ```
 */
export function sizeTree(files: Iterable<SizedFile>): SizeNode {
  const root: Draft = { size: 0, files: 0, children: new Map() };
  for (const file of files) add(root, file);
  return finish("", "", root);
}

/** The largest files of a tree, up to a limit. */
export function largestFiles(tree: SizeNode, count: number): readonly SizeNode[] {
  const files: SizeNode[] = [];
  const visit = (node: SizeNode): void => {
    if (node.children === undefined) files.push(node);
    else node.children.forEach(visit);
  };
  visit(tree);
  return files.sort((a, b) => b.size - a.size || (a.path < b.path ? -1 : 1)).slice(0, count)
    .filter(({ size }) => size > 0);
}
