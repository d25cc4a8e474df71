/**
 * The shape of a layer: everything that its entries say but the content of files. Two trees with the same
 * shape are probably the same layer, wherever they are on disk; their diff IDs tell.
 * @module
 */
import { resolveCompression } from "../../oci/compression.ts";
import { streamingSha256 } from "../../oci/sha256.ts";
import type { CompressionPlan } from "../../plan/types.ts";
import { LAYER_FORMAT } from "../format.ts";
import { contentSize, type LayerTree } from "../tree/scan.ts";

/** The shape of a tree that is to be compressed so: 64 hex digits. Reads nothing. */
export function treeShape(tree: LayerTree, compression: CompressionPlan): string {
  const { kind, level } = resolveCompression(compression);
  const hash = streamingSha256().update(JSON.stringify([LAYER_FORMAT, kind, level]));
  let lines = "";
  for (const entry of tree.entries) {
    const { path, type, mode, uid, gid, target } = entry;
    lines += `\0${path}\0${target}\0${type} ${mode} ${uid} ${gid} ${contentSize(entry)}`;
    if (lines.length < 1 << 16) continue;
    hash.update(lines);
    lines = "";
  }
  return hash.update(lines).digest("hex");
}
