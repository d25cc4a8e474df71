/**
 * The state of a layer's trees: what `lstat` says of everything in them, as one digest. Equal digests mean that
 * nothing was added, removed or changed, so that a layer which was scanned in that state need not be scanned
 * again. Nothing is kept of a file but its numbers: a tree may have thousands of files, and an object for each
 * takes longer than asking the disk.
 * @module
 */
import { concat } from "../../bytes.ts";
import { sha256Hex } from "../../oci/sha256.ts";
import type { LayerPlan } from "../../plan/types.ts";
import { maybeWrappedNpm } from "./exclude.ts";
import { TreePacker } from "./pack_directory.ts";
import type { ListedTrees } from "./scan.ts";
import type { TreeLists } from "./tree_lists.ts";
import { giveTurn, TURN } from "./walk.ts";
import { CTIME, INFO_NUMBERS, PackedTree } from "./walk_messages.ts";

/**
 * What is younger, in ms, may change once more and look the same: Deno gives change times in whole seconds, and
 * the clocks of file systems are coarser than that of the program.
 */
const YOUNG_MS = 2000;

/** The state of the trees of a layer. */
export interface TreeState {
  /** 64 hex digits; `undefined` if there is something that only a scan can judge. */
  readonly digest: string | undefined;
  /** Whether any later change would give another digest. */
  readonly isSettled: boolean;
  /** What was listed, for a scan of the same layer. */
  readonly listed: ListedTrees;
}

/** What reading a state depends on. */
export interface TreeStateOptions {
  /** Trees that a thread lists or has listed. */
  readonly lists?: Pick<TreeLists, "take"> | undefined;
  /** Stops it. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Lists the trees of a layer. Directories and content that the plan gives are no part of the state.
 *
 * @returns `undefined` if the layer has other sources than trees of directories and what the plan gives, or one is
 * missing: the scan says so.
 */
export async function maybeTreeState(
  { sources, policies }: LayerPlan,
  { lists, signal }: TreeStateOptions,
): Promise<TreeState | undefined> {
  const trees = new Map<string, PackedTree>();
  for (const source of sources) {
    if (source.type === "file") return undefined;
    if (source.type !== "tree") continue;
    const root = maybeDirectory(source.hostPath);
    if (root === undefined) return undefined;
    trees.set(root, await lists?.take(root) ?? await listTree(root, signal));
  }
  const take = (root: string): Promise<PackedTree | undefined> => Promise.resolve(trees.get(root));
  const digests = await Promise.all(
    Array.from(trees, ([root, tree]) => maybeDigest(root, tree, policies.isInstall === true)),
  );
  return {
    digest: digests.includes(undefined) ? undefined : await sha256Hex(digests.join(" ")),
    isSettled: trees.values().every(isSettled),
    listed: { take },
  };
}

/** The directory that a path leads to. */
function maybeDirectory(path: string): string | undefined {
  try {
    const root = Deno.realPathSync(path);
    return Deno.lstatSync(root).isDirectory ? root : undefined;
  } catch {
    return undefined;
  }
}

async function listTree(root: string, signal: AbortSignal | undefined): Promise<PackedTree> {
  const packer = new TreePacker(root);
  let count = 0;
  for (let names = packer.next(); names !== undefined; names = packer.next()) {
    count += names;
    if (count < TURN) continue;
    count = 0;
    await giveTurn(signal);
  }
  return new PackedTree(packer.finish());
}

/** The digest of one tree, `undefined` if a directory could not be listed as a whole. */
async function maybeDigest(
  root: string,
  tree: PackedTree,
  isInstall: boolean,
): Promise<string | undefined> {
  const { paths, names, numbers } = tree.response;
  if (names.includes(undefined)) return undefined;
  // Whether mise's wrapper of npm is left out depends on what a link may lead to.
  const hasNpm = isInstall && tree.maybe("bin")?.names?.includes("npm") === true;
  const npm = hasNpm ? maybeWrappedNpm(root, "bin/npm") ?? "" : "";
  const text = [root, npm, paths.length, ...paths, ...names].join("\0");
  const bytes = new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
  return await sha256Hex(concat([bytes, new TextEncoder().encode(text)]));
}

/** Whether the last change of everything in a tree is known, and was well before the tree was listed. */
function isSettled({ response: { numbers, since } }: PackedTree): boolean {
  for (let at = CTIME; at < numbers.length; at += INFO_NUMBERS) {
    const ctime = numbers[at] ?? 0;
    if (ctime <= 0 || ctime > since - YOUNG_MS) return false;
  }
  return true;
}
