/**
 * The packages in layers, cached by diff ID: each layer is read only once, and layers of tools are read from
 * the files that they were built from, which is cheapest.
 * @module
 */
import {
  encodeLayerPackages,
  type LayerPackages,
  maybeParseLayerPackages,
} from "../../attest/packages/found.ts";
import { PackagesCollector, readTreePackages } from "../../attest/packages/read_layer.ts";
import type { LayerTree } from "../../layer/mod.ts";
import type { DiffId } from "../../oci/mod.ts";
import type { Cache } from "../../store/mod.ts";
import type { BaseLayer, LayerReading } from "./base_image.ts";

const PACKAGES = "layer-packages";

/** The cached result for a layer that was read before. */
export async function maybeKeptPackages(
  cache: Cache,
  diffId: DiffId,
): Promise<LayerPackages | undefined> {
  return maybeParseLayerPackages(await cache.getDocument(PACKAGES, diffId));
}

/** Caches the packages of a layer. */
export async function keepPackages(
  cache: Cache,
  diffId: DiffId,
  packages: LayerPackages,
): Promise<void> {
  await cache.putDocument(PACKAGES, diffId, encodeLayerPackages(packages));
}

/** Reads the packages of base layers while these are read for another purpose. */
export function packagesReader(cache: Cache): (layer: BaseLayer) => LayerReading {
  return ({ diffId }) => {
    const collector = new PackagesCollector();
    return {
      reader: collector,
      keep: async () => await keepPackages(cache, diffId, await collector.finish()),
      [Symbol.dispose]: () => collector[Symbol.dispose](),
    };
  };
}

/** Reads layers that were just built, from their source files. */
export async function keepTreePackages(
  cache: Cache,
  layers: readonly { readonly diffId: DiffId; readonly tree: LayerTree }[],
): Promise<void> {
  for (const { diffId, tree } of layers) {
    if (await maybeKeptPackages(cache, diffId) !== undefined) continue;
    await keepPackages(cache, diffId, readTreePackages(tree));
  }
}
