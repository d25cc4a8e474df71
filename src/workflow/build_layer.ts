/**
 * One layer: from the local cache, or built into it.
 * @module
 */
import {
  type BaseDirectories,
  buildLayer,
  type CompressionPool,
  fingerprintTree,
  type LayerTree,
  relocatesAlike,
} from "../layer/mod.ts";
import type { CompressionPlan, LayerPlan } from "../plan/mod.ts";
import type { Cache } from "../store/mod.ts";
import type { Reporter } from "../ui/reporter.ts";
import { maybeParseNotes } from "./layer_notes.ts";
import { type MadeLayer, withAnnotations } from "./made_layer.ts";

/** A layer that may have to be built, looked at already. */
export interface LayerTask {
  /** What it is made of. */
  readonly plan: LayerPlan;
  /** The directories that the base has. */
  readonly baseDirectories: BaseDirectories;
  /** What it will hold. */
  readonly tree: LayerTree;
}

/** What a layer is called: its tool with the version. */
export function layerTitle({ name, version }: LayerPlan): string {
  return version === undefined ? name : `${name} ${version}`;
}

/** The layer of a task, from the local cache. */
export async function maybeCached(
  { plan, tree }: LayerTask,
  options: {
    readonly cache: Cache;
    readonly compression: CompressionPlan;
    /** Told of what the user should know of it. */
    readonly warn: (plan: LayerPlan, text: string) => void;
    /** Fingerprints of layers that this very run has built. */
    readonly built: ReadonlySet<string>;
    /** Whether only those are looked up. */
    readonly builtOnly: boolean;
  },
): Promise<MadeLayer | undefined> {
  const { cache, compression, warn, built, builtOnly } = options;
  if (builtOnly && built.size === 0) return undefined;
  const fingerprint = fingerprintTree(plan, tree, compression);
  const isBuilt = built.has(fingerprint);
  if (builtOnly && !isBuilt) return undefined;
  const cached = await cache.getLayer(fingerprint);
  const notes = maybeParseNotes(cached?.notes);
  if (cached === undefined || notes === undefined) return undefined;
  if (!relocatesAlike(notes.texts, tree.relocations)) return undefined;
  const { descriptor, diffId } = cached;
  for (const text of notes.warnings) warn(plan, text);
  const status = isBuilt ? "built" : "cached";
  return { plan, descriptor: withAnnotations(descriptor, plan), diffId, status };
}

/** Builds the layer of a task and puts it into the local cache. */
export async function buildOne(
  { plan, baseDirectories, tree }: LayerTask,
  tools: {
    readonly cache: Cache;
    readonly pool: CompressionPool;
    readonly signal: AbortSignal;
    readonly reporter: Reporter;
    /** Told of what the user should know of it. */
    readonly warn: (plan: LayerPlan, text: string) => void;
  },
): Promise<MadeLayer> {
  const { cache, pool, signal, reporter, warn } = tools;
  const name = layerTitle(plan);
  const id = `layer ${plan.kind} ${name}`;
  reporter.emit({ type: "start", id, label: name, total: tree.bytes });
  try {
    const built = await buildLayer(plan, {
      tree,
      pool,
      sink: cache,
      baseDirectories,
      signal,
      onBytes: (bytes) => reporter.emit({ type: "advance", id, bytes }),
      warn: (text) => warn(plan, text),
    });
    const { descriptor, diffId, uncompressedSize, fingerprint, texts, warnings } = built;
    if (texts !== undefined) {
      const notes = { texts, warnings };
      const layer = { descriptor, diffId, uncompressedSize, label: name, notes };
      await cache.putLayer(fingerprint, layer);
    }
    reporter.emit({ type: "done", id, note: "built" });
    return { plan, descriptor: withAnnotations(descriptor, plan), diffId, status: "built" };
  } catch (error) {
    reporter.emit({ type: "failed", id });
    throw error;
  }
}
