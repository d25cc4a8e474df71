/**
 * The files of the base image, from its layers. Each layer is read only once: its list of files is cached by
 * its digest, and the facts about its programs that the check needs by its diff ID.
 * @module
 */
import { ContentCollector } from "../../check/facts/collected_content.ts";
import { keepFacts, keepFactsText, maybeFactsText } from "../../check/kept_facts.ts";
import { FactsCollector } from "../../check/mod.ts";
import type { WorkflowContext } from "../../context.ts";
import type { LayerKnowledge } from "../../fleet/base_facts.ts";
import {
  type BaseFiles,
  encodeLayerIndex,
  IndexCollector,
  type LayerIndex,
  maybeParseLayerIndex,
  mergeIndexes,
  readVerifiedLayer,
} from "../../layer/read/mod.ts";
import type { DiffId } from "../../oci/mod.ts";
import type { Cache } from "../../store/mod.ts";
import { type TarHandler, teeHandlers } from "../../tar/parser.ts";
import type { BaseImage, BaseLayer } from "./base_image.ts";

const INDEXES = "layer-index";

/**
 * Reads a whole layer of a base, from the cache or from its source, and verifies it.
 *
 * @throws {MiseOciError} as {@linkcode readVerifiedLayer}, naming layer and base.
 */
export async function readBaseLayer(
  { name, open }: Pick<BaseImage, "name" | "open">,
  layer: BaseLayer,
  { cache, handler }: { readonly cache: Cache; readonly handler: TarHandler },
): Promise<DiffId> {
  const { descriptor: { digest, mediaType }, diffId } = layer;
  const what = `layer ${digest} of base image ${JSON.stringify(name)}`;
  const blob = open === undefined ? await cache.open(digest) : await open(layer);
  return await readVerifiedLayer(blob, { what, mediaType, diffId, handler });
}

async function readIndex(
  base: Pick<BaseImage, "name" | "open" | "alsoRead">,
  layer: BaseLayer,
  { cache, context }: { readonly cache: Cache; readonly context: WorkflowContext },
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
  const collector = new IndexCollector();
  // Costs little in addition to the list of files, and the check need not decompress the layer again.
  const facts = new FactsCollector();
  using also = base.alsoRead?.(layer);
  using contents = new ContentCollector([facts, ...also === undefined ? [] : [also.reader]]);
  const handler = teeHandlers(collector, contents);
  const index = collector.index(await readBaseLayer(base, layer, { cache, handler }));
  await keepFacts(cache, diffId, facts);
  await also?.keep();
  await cache.putDocument(INDEXES, descriptor.digest, encodeLayerIndex(index));
  return index;
}

/** All files of the base, its layers merged. A layer that is not cached yet is read. */
export async function readBaseFiles(
  base: Pick<BaseImage, "layers" | "name" | "open" | "alsoRead">,
  cache: Cache,
  context: WorkflowContext,
): Promise<BaseFiles> {
  const indexes: LayerIndex[] = [];
  // One after the other: a layer's list can be large, and reading uses only one core anyway.
  for (const layer of base.layers) {
    context.signal.throwIfAborted();
    indexes.push(await readIndex(base, layer, { cache, context }));
  }
  return mergeIndexes(indexes);
}

/** The cached data about a base layer; `undefined` if it has not been read yet. */
export async function maybeKnowledge(
  { descriptor, diffId }: BaseLayer,
  cache: Cache,
): Promise<LayerKnowledge | undefined> {
  const [index, facts] = await Promise.all([
    cache.getDocument(INDEXES, descriptor.digest),
    maybeFactsText(cache, diffId),
  ]);
  return typeof index === "string" && facts !== undefined ? { index, facts } : undefined;
}

/** Caches data about a layer that another machine recorded. */
export async function learn(
  { descriptor, diffId }: BaseLayer,
  { index, facts }: LayerKnowledge,
  cache: Cache,
): Promise<void> {
  await keepFactsText(cache, diffId, facts);
  await cache.putDocument(INDEXES, descriptor.digest, index);
}
