/**
 * The shape of a layer: all fields of its entries except file contents. Trees with the same shape are
 * probably the same layer, at any place on disk; their diff IDs decide.
 * @module
 */
import { resolveCompression } from "../../oci/compression.ts";
import { streamingSha256 } from "../../oci/sha256.ts";
import type { CompressionPlan } from "../../plan/types.ts";
import { LAYER_FORMAT } from "../format.ts";
import { contentSize, type LayerTree } from "../tree/scan.ts";

/** The shape of a tree with its compression: 64 hex digits. Reads nothing. */
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
