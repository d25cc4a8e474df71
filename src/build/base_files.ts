/**
 * What the base image has, from its layers in the cache: each layer is read once in its life, its list of
 * files kept by its digest, and what the check wants to know of its programs by its diff ID.
 * @module
 */
import {
  type BaseFiles,
  encodeLayerIndex,
  IndexCollector,
  type LayerIndex,
  maybeParseLayerIndex,
  mergeIndexes,
  readVerifiedLayer,
} from "../layer/read/mod.ts";
import { FactsCollector } from "../check/mod.ts";
import type { Cache } from "../store/mod.ts";
import { teeHandlers } from "../tar/tee_handlers.ts";
import type { BaseImage, BaseLayer } from "./base_image.ts";
import { keepFacts } from "../check/kept_facts.ts";
import type { WorkflowContext } from "../context.ts";

const INDEXES = "layer-index";

async function readIndex(
  { layer, base }: { readonly layer: BaseLayer; readonly base: BaseImage },
  cache: Cache,
  context: WorkflowContext,
): Promise<LayerIndex> {
  const { descriptor, diffId } = layer;
  const kept = await cache.getDocument(INDEXES, descriptor.digest);
  const known = typeof kept === "string" ? maybeParseLayerIndex(kept) : undefined;
  if (known?.diffId === diffId) return known;
  context.reporter.emit({
    type: "detail",
    level: 1,
    text: `Reading the list of files of base layer ${descriptor.digest}`,
  });
  const { mediaType } = descriptor;
  const what = `layer ${descriptor.digest} of base image ${JSON.stringify(base.name)}`;
  const collector = new IndexCollector();
  // Nearly free beside the list of files, and the check need not decompress the layer again.
  using facts = new FactsCollector();
  const handler = teeHandlers(collector, facts);
  const blob = await cache.open(descriptor.digest);
  const index = collector.index(
    await readVerifiedLayer(blob, { what, mediaType, diffId, handler }),
  );
  await keepFacts(cache, diffId, facts);
  await cache.putDocument(INDEXES, descriptor.digest, encodeLayerIndex(index));
  return index;
}

/** Everything the base has, its layers merged. Each layer must be in the cache. */
export async function readBaseFiles(
  base: BaseImage,
  cache: Cache,
  context: WorkflowContext,
): Promise<BaseFiles> {
  const indexes: LayerIndex[] = [];
  // One after the other: a layer's list can be large, and reading is one core's work anyway.
  for (const layer of base.layers) {
    context.signal.throwIfAborted();
    indexes.push(await readIndex({ layer, base }, cache, context));
  }
  return mergeIndexes(indexes);
}
