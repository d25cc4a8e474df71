/**
 * Plans the simplest layer: one host directory or file at one image path.
 * @module
 */
import type { LayerPlan, Owner } from "../../plan/types.ts";
import type { BaseDirectories } from "./scan.ts";

/** Options of {@linkcode planTreeLayer}. */
export interface TreeLayerOptions {
  /** Owner of every entry. Default: root. */
  readonly owner?: Owner;
  /** Globs of excluded paths. Default: none. */
  readonly exclude?: readonly string[];
}

/**
 * Plans a layer of a host tree, to be built by `buildLayer`.
 *
 * @param hostPath absolute path of a directory or file.
 * @param imagePath absolute path in the image.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { planTreeLayer } from "./tree_layer.ts";
 *
 * assertEquals(planTreeLayer("/home/me/site", "/srv/www").createdBy, "copy to /srv/www");
 * ```
 */
export function planTreeLayer(
  hostPath: string,
  imagePath: string,
  options: TreeLayerOptions = {},
): LayerPlan {
  const { owner = { uid: 0, gid: 0 }, exclude = [] } = options;
  return {
    kind: "copy",
    name: imagePath,
    owner,
    sources: [{ type: "tree", hostPath, imagePath }],
    relocations: [],
    exclude,
    policies: {},
    createdBy: `copy to ${imagePath}`,
    annotations: {},
  };
}

/**
 * A base without known directories: the layer contains every parent directory, owned by root with mode
 * 0755.
 */
export const NO_BASE: BaseDirectories = { has: () => false };
