/**
 * What layers say about their programs, kept in the cache by diff ID: each is looked at once in its life.
 * @module
 */
import type { DiffId } from "../oci/mod.ts";
import { encodeFacts, type LayerFacts, maybeParseFacts } from "./mod.ts";
import type { Cache } from "../store/mod.ts";

const FACTS = "layer-facts";

/** The facts of a layer that was looked at before. */
export async function maybeKeptFacts(
  cache: Cache,
  diffId: DiffId,
): Promise<LayerFacts | undefined> {
  return maybeParseFacts(await cache.getDocument(FACTS, diffId));
}

/** Keeps the facts of a layer. */
export async function keepFacts(cache: Cache, diffId: DiffId, facts: LayerFacts): Promise<void> {
  await cache.putDocument(FACTS, diffId, encodeFacts(facts));
}

/** The facts of a layer as the cache keeps them. */
export async function maybeFactsText(cache: Cache, diffId: DiffId): Promise<string | undefined> {
  const text = await cache.getDocument(FACTS, diffId);
  return typeof text === "string" ? text : undefined;
}

/** Keeps facts that another cache kept: `maybeParseFacts` takes them. */
export async function keepFactsText(cache: Cache, diffId: DiffId, text: string): Promise<void> {
  await cache.putDocument(FACTS, diffId, text);
}
