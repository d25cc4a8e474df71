/**
 * The state of a layer's trees: a digest of the `lstat` results of all their files. Equal digests mean that
 * nothing was added, removed or changed, so a layer that was scanned in that state does not need another scan.
 * Only numbers are kept for each file: with thousands of files, an object for each takes longer than `lstat`.
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
 * A file changed within this time, in ms, may change again and look the same: Deno returns change times in whole
 * seconds, and the clocks of file systems are coarser than the program's.
 */
const YOUNG_MS = 2000;

/** The state of the trees of a layer. */
export interface TreeState {
  /** 64 hex digits; `undefined` if something requires a scan. */
  readonly digest: string | undefined;
  /** Whether any later change would change the digest. */
  readonly isSettled: boolean;
  /** The lists, for a scan of the same layer. */
  readonly listed: ListedTrees;
}

/** Options of reading a state. */
export interface TreeStateOptions {
  /** Trees listed by a thread. */
  readonly lists?: Pick<TreeLists, "take"> | undefined;
  /** Cancels listing. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Lists the trees of a layer. Directories and content from the plan are not part of the state.
 *
 * @returns `undefined` if the layer has sources other than trees and content from the plan, or if one is
 * missing, which the scan reports.
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

/** The directory that a path resolves to. */
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

/** The digest of one tree; `undefined` if a directory could not be listed completely. */
async function maybeDigest(
  root: string,
  tree: PackedTree,
  isInstall: boolean,
): Promise<string | undefined> {
  const { paths, names, numbers } = tree.response;
  if (names.includes(undefined)) return undefined;
  // Whether mise's wrapper of npm is left out can depend on the target of a link.
  const hasNpm = isInstall && tree.maybe("bin")?.names?.includes("npm") === true;
  const npm = hasNpm ? maybeWrappedNpm(root, "bin/npm") ?? "" : "";
  const text = [root, npm, paths.length, ...paths, ...names].join("\0");
  const bytes = new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
  return await sha256Hex(concat([bytes, new TextEncoder().encode(text)]));
}

/** Whether all change times in a tree are known, and well before the listing. */
function isSettled({ response: { numbers, since } }: PackedTree): boolean {
  for (let at = CTIME; at < numbers.length; at += INFO_NUMBERS) {
    const ctime = numbers[at] ?? 0;
    if (ctime <= 0 || ctime > since - YOUNG_MS) return false;
  }
  return true;
}
