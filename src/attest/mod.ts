/**
 * What is in an image and who made it: bills of materials, provenance, signatures, and how they are
 * attached to an image in a registry. Nothing else needs this folder.
 * @module
 */
export { CYCLONEDX_TYPE, encodeCycloneDx } from "./cyclonedx.ts";
export type { DocumentTool } from "./document_id.ts";
export {
  type Component,
  type Distribution,
  type Inventory,
  type InventoryInput,
  type InventoryLayer,
  makeInventory,
} from "./inventory.ts";
export { type LockedTool, parseLockFile } from "./lock_file.ts";
export {
  encodeLayerPackages,
  type LayerPackages,
  maybeParseLayerPackages,
} from "./packages/found.ts";
export { readBlobPackages, readTreePackages } from "./packages/read_layer.ts";
export { encodeSpdx, SPDX_TYPE } from "./spdx.ts";
