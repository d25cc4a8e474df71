/**
 * Facts about layers, cached by diff ID, so that each layer is read only once.
 * @module
 */
import type { DiffId } from "../oci/mod.ts";
import { encodeFacts, type LayerFacts, maybeParseFacts } from "./mod.ts";
import type { Cache } from "../store/mod.ts";

const FACTS = "layer-facts";

/** The cached facts of a layer. */
export async function maybeKeptFacts(
  cache: Cache,
  diffId: DiffId,
): Promise<LayerFacts | undefined> {
  return maybeParseFacts(await cache.getDocument(FACTS, diffId));
}

/** Caches the facts of a layer. */
export async function keepFacts(cache: Cache, diffId: DiffId, facts: LayerFacts): Promise<void> {
  await cache.putDocument(FACTS, diffId, encodeFacts(facts));
}

/** The facts of a layer in their cached form. */
export async function maybeFactsText(cache: Cache, diffId: DiffId): Promise<string | undefined> {
  const text = await cache.getDocument(FACTS, diffId);
  return typeof text === "string" ? text : undefined;
}

/** Caches facts from another cache, in the form that `maybeParseFacts` reads. */
export async function keepFactsText(cache: Cache, diffId: DiffId, text: string): Promise<void> {
  await cache.putDocument(FACTS, diffId, text);
}
